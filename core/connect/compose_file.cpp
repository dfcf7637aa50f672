// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/connect/compose_file.h"

#include "core/base/masking.h"
#include "core/connect/compose_merge.h"
#include "core/connect/compose_ports.h"
#include "core/connect/env_file.h"
#include "core/connect/yaml_tree.h"
#include "core/stack/watch_values.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace portolan::connect {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t mostExpanded = 1024 * 1024;
constexpr std::size_t mostMistakes = 100; ///< that are told
constexpr std::size_t mostEnvFiles = 100; ///< of all services

Error wrong(const std::string &what, const std::string &mend = {}) { return failure(ErrorKind::Invalid, what, mend); }

class Reader final
{
public:
    Reader(const Variables &variables, const BesideReader &beside) : m_given(variables), m_beside(beside) {}

    ComposeReading run(const std::vector<ComposeText> &files)
    {
        std::vector<YamlNode> documents;
        for (const auto &file : files) {
            auto parsed = parseYaml(file.text, file.source);
            if (parsed)
                std::ranges::move(*parsed, std::back_inserter(documents));
            else
                m_reading.mistakes.push_back(parsed.error());
        }
        if (!files.empty())
            m_folder = files.front().folder;
        if (documents.empty())
            return std::move(m_reading);
        MergedCompose merged = mergeCompose(std::move(documents));
        for (auto &error : merged.mistakes)
            note(std::move(error));
        m_reading.findings = std::move(merged.findings);
        readName(merged.root);
        readSecrets(merged.root);
        if (const YamlNode *services = merged.root.find("services"))
            for (const auto &[name, node] : services->members)
                readService(name, node);
        return std::move(m_reading);
    }

private:
    static Place placeOf(const YamlNode &node) { return {node.source, node.line}; }

    void note(Error error)
    {
        if (m_reading.mistakes.size() < mostMistakes)
            m_reading.mistakes.push_back(std::move(error));
    }
    void note(const YamlNode &node, const Error &why) { note(mistake(placeOf(node), "compose-file", why)); }

    /// A scalar with its variables put in; nullopt: it is none, or has a mistake, which is said.
    std::optional<Secret> text(const YamlNode &node)
    {
        if (node.kind != YamlNode::Kind::Scalar)
            return std::nullopt;
        const auto find = [this](std::string_view name) -> const Secret * {
            const Variable *variable = findVariable(m_given, name);
            return variable ? &*variable->value : nullptr;
        };
        auto expanded = expand(node.text.reveal(), find, Dialect::Compose, m_room);
        if (!expanded) {
            note(node, expanded.error());
            return std::nullopt;
        }
        for (const auto &name : expanded->unset)
            m_reading.findings.push_back({FindingKind::NotSet, placeOf(node).text(), name});
        return std::move(expanded->text);
    }

    /// Of what can be shown.
    std::string plain(const YamlNode *node)
    {
        const auto made = node ? text(*node) : std::nullopt;
        return made ? std::string(made->reveal()) : std::string();
    }

    void readName(const YamlNode &root)
    {
        m_reading.project = plain(root.find("name"));
        if (const Variable *named = findVariable(m_given, "COMPOSE_PROJECT_NAME"); named && m_reading.project.empty())
            m_reading.project = std::string(named->value->reveal());
    }

    fs::path besidePath(const std::string &name) const
    {
        return m_folder.empty() ? fs::path(name) : (m_folder / fs::path(name)).lexically_normal();
    }

    void readSecrets(const YamlNode &root)
    {
        const YamlNode *secrets = root.find("secrets");
        if (!secrets)
            return;
        for (const auto &[name, node] : secrets->members)
            if (const std::string file = plain(node.find("file")); !file.empty())
                m_reading.secrets.push_back({name, besidePath(file), placeOf(node)});
    }

    void readService(const std::string &name, const YamlNode &node)
    {
        if (node.kind != YamlNode::Kind::Map)
            return note(node, wrong("a service is a map"));
        ComposeService service;
        service.name = name;
        service.place = placeOf(node);
        service.image = plain(node.find("image"));
        readNames(service, node);
        if (const YamlNode *files = node.find("env_file"))
            readEnvFiles(service, *files);
        if (const YamlNode *environment = node.find("environment"))
            readEnvironment(service, *environment);
        if (const YamlNode *ports = node.find("ports"))
            readPorts(service, *ports);
        service.hostNetwork = plain(node.find("network_mode")) == "host";
        readCommand(service, node);
        readSecretUses(service, node);
        readHealth(service, node);
        m_reading.services.push_back(std::move(service));
    }

    void readNames(ComposeService &service, const YamlNode &node)
    {
        const auto add = [&](const std::string &name) {
            if (!name.empty() && std::ranges::find(service.names, name) == service.names.end())
                service.names.push_back(name);
        };
        add(service.name);
        add(plain(node.find("container_name")));
        add(plain(node.find("hostname")));
        const YamlNode *networks = node.find("networks");
        for (const auto &[name, network] : networks ? networks->members : YamlNode().members)
            if (const YamlNode *aliases = network.find("aliases"))
                for (const auto &alias : aliases->items)
                    add(plain(&alias));
    }

    void readEnvFiles(ComposeService &service, const YamlNode &node)
    {
        if (node.kind != YamlNode::Kind::List)
            return readEnvFile(service, node);
        for (const auto &item : node.items)
            readEnvFile(service, item);
    }

    /// "app.env", or { path = "app.env", required = false }.
    void readEnvFile(ComposeService &service, const YamlNode &node)
    {
        const YamlNode *path = node.kind == YamlNode::Kind::Map ? node.find("path") : &node;
        const std::string name = plain(path);
        if (name.empty() || !path)
            return note(node, wrong("what stands there names no file", "Write env_file: app.env"));
        if (++m_envFiles > mostEnvFiles)
            return note(node, wrong("it names more than 100 files"));
        const bool required = plain(node.find("required")) != "false";
        const auto notRead = [&] {
            m_reading.findings.push_back({FindingKind::NotRead, placeOf(node).text(), quotable(name, 200)});
        };
        if (m_folder.empty())
            return notRead();
        auto read = m_beside(besidePath(name));
        if (!read) {
            if (required || read.error().kind != ErrorKind::NotFound)
                notRead();
            return;
        }
        Variables above = m_given;
        above.insert(above.end(), service.variables.begin(), service.variables.end());
        EnvReading env = readEnv(*read, name, above);
        wipe(*read);
        std::ranges::move(env.variables, std::back_inserter(service.variables));
        std::ranges::move(env.findings, std::back_inserter(m_reading.findings));
        for (auto &error : env.mistakes)
            note(std::move(error));
    }

    void readEnvironment(ComposeService &service, YamlNode node)
    {
        listToMap(node);
        if (node.kind != YamlNode::Kind::Map)
            return note(node, wrong("an environment is a map, or a list of NAME=value"));
        for (const auto &[name, value] : node.members) {
            Variable variable{name, std::nullopt, placeOf(value)};
            if (value.kind == YamlNode::Kind::Scalar) {
                variable.value = text(value);
            } else if (value.kind != YamlNode::Kind::Null) {
                note(value, wrong(quotable(name) + " is no text"));
            } else if (const Variable *given = findVariable(m_given, name)) {
                variable.value = given->value; // named alone: handed on
                variable.place = given->place;
            }
            service.variables.push_back(std::move(variable));
        }
    }

    void readPorts(ComposeService &service, const YamlNode &node)
    {
        for (const auto &item : node.items) {
            if (item.kind == YamlNode::Kind::Map && !plain(item.find("protocol")).empty() &&
                plain(item.find("protocol")) != "tcp")
                continue;
            Result<std::optional<PublishedPort>> port = std::optional<PublishedPort>();
            if (item.kind == YamlNode::Kind::Map) {
                auto made = readLongPort(plain(item.find("host_ip")), plain(item.find("published")),
                                         plain(item.find("target")));
                if (made)
                    port = std::optional(std::move(*made));
                else
                    port = made.error();
            } else {
                port = readShortPort(plain(&item));
            }
            if (!port) {
                note(item, port.error());
            } else if (*port) {
                (*port)->place = placeOf(item);
                service.ports.push_back(std::move(**port));
            }
        }
    }

    void readCommand(ComposeService &service, const YamlNode &node)
    {
        for (const char *key : {"entrypoint", "command"}) {
            const YamlNode *command = node.find(key);
            if (!command)
                continue;
            service.commandPlace = placeOf(*command);
            if (const auto line = text(*command))
                std::ranges::move(wordsOf(line->reveal()), std::back_inserter(service.command));
            for (const auto &item : command->items)
                if (auto word = text(item))
                    service.command.push_back(std::move(*word));
        }
    }

    void readSecretUses(ComposeService &service, const YamlNode &node)
    {
        const YamlNode *secrets = node.find("secrets");
        if (!secrets)
            return;
        for (const auto &item : secrets->items) {
            const std::string source = plain(item.kind == YamlNode::Kind::Map ? item.find("source") : &item);
            const std::string target = item.kind == YamlNode::Kind::Map ? plain(item.find("target")) : std::string();
            if (!source.empty())
                service.secrets.emplace_back(target.empty() ? source : target, source);
        }
    }

    void readHealth(ComposeService &service, const YamlNode &node)
    {
        const YamlNode *check = node.find("healthcheck");
        const YamlNode *test = check ? check->find("test") : nullptr;
        if (!test)
            return;
        std::vector<Secret> words;
        if (const auto line = text(*test))
            words = wordsOf(line->reveal());
        for (const auto &item : test->items)
            if (const auto word = text(item))
                std::ranges::move(wordsOf(word->reveal()), std::back_inserter(words));
        for (const auto &word : words)
            if (stack::readHttpUrl(word.reveal())) { // without user information, or a token among its parameters
                service.health = std::string(word.reveal());
                return;
            }
    }

    const Variables &m_given;
    const BesideReader &m_beside;
    fs::path m_folder;
    std::size_t m_room = mostExpanded;
    std::size_t m_envFiles = 0;
    ComposeReading m_reading;
};

} // namespace

const PublishedPort *ComposeService::published(std::uint16_t port) const
{
    const PublishedPort *best = nullptr;
    for (const auto &candidate : ports) {
        const bool holds = port >= candidate.container && port - candidate.container < candidate.count;
        if (holds && (!best || !best->host || candidate.host)) // of several the last, as it is the override's
            best = &candidate;
    }
    return best;
}

std::vector<Secret> wordsOf(std::string_view text)
{
    std::vector<Secret> words;
    std::string word;
    word.reserve(text.size()); // growing would leave copies behind
    bool begun = false;
    char quote = '\0';
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        const bool escapes = c == '\\' && quote != '\'' && at + 1 < text.size();
        const bool blank = c == ' ' || c == '\t' || c == '\n' || c == '\r';
        if (escapes && (quote == '\0' || text[at + 1] == '"' || text[at + 1] == '\\' || text[at + 1] == '$')) {
            word += text[++at];
            begun = true;
        } else if (c == quote) {
            quote = '\0';
        } else if (quote == '\0' && (c == '"' || c == '\'')) {
            quote = c;
            begun = true;
        } else if (quote == '\0' && blank) {
            if (begun)
                words.emplace_back(word);
            word.clear();
            begun = false;
        } else {
            word += c;
            begun = true;
        }
    }
    if (begun)
        words.emplace_back(word);
    wipe(word);
    return words;
}

ComposeReading readCompose(const std::vector<ComposeText> &files, const Variables &variables,
                           const BesideReader &beside)
{
    return Reader(variables, beside).run(files);
}

} // namespace portolan::connect

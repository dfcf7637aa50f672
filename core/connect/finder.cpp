// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/connect/finder.h"

#include "core/base/data_directory.h"
#include "core/base/given_text.h"
#include "core/base/masking.h"
#include "core/base/toml_file.h"
#include "core/connect/compose_file.h"
#include "core/connect/env_file.h"
#include "core/connect/portal_url.h"
#include "core/connect/stack_finder.h"
#include "core/stack/watch_file.h"
#include "core/stack/watch_keys.h"
#include "core/stack/watch_values.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>

namespace portolan::connect {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t largestText = 1024 * 1024;
constexpr std::size_t mostFiles = 20;

Error coded(ErrorKind kind, const std::string &what, const std::string &mend)
{
    Error error = failure(kind, what, mend);
    error.code = "connect-nothing";
    return error;
}

Error nothingKnown(const std::string &where)
{
    return coded(
        ErrorKind::Invalid, (where.empty() ? std::string() : visible(where) + ": ") + "nothing in it is known here",
        "Paste the URL of a portal, a Redis URL, the lines of a .env or of a docker-compose.yml, or their paths");
}

/// What was copied together with the quotes around it.
std::string_view unquoted(std::string_view text)
{
    const bool quotes =
        text.size() > 2 && text.front() == text.back() && std::string_view("\"'`").find(text.front()) != text.npos;
    return quotes ? trimmed(text.substr(1, text.size() - 2)) : text;
}

bool isNameStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

/// Whether a line is NAME=value, or what Heroku prints for it.
bool isAssignment(std::string_view line)
{
    line = trimmed(line);
    if (line.starts_with("export "))
        line = trimmed(line.substr(7));
    std::size_t end = 0;
    while (end < line.size() && (isNameStart(line[end]) || (end > 0 && line[end] >= '0' && line[end] <= '9')))
        ++end;
    if (end == 0)
        return false;
    const std::string_view behind = line.substr(end);
    const auto shown = trimmed(behind);
    const bool big = std::ranges::none_of(line.substr(0, end), [](char c) { return c >= 'a' && c <= 'z'; });
    return shown.starts_with('=') || (big && behind.starts_with(": "));
}

template <class Holds> bool anyLine(std::string_view text, Holds holds)
{
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        if (holds(text.substr(0, end)))
            return true;
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return false;
}

/// `[redis]`, or `redis = {`: a part that only a deployment's file has.
bool isDeploymentLine(std::string_view line)
{
    line = trimmed(line);
    const bool header = line.starts_with('[');
    while (line.starts_with('['))
        line.remove_prefix(1);
    const auto name = line.substr(0, std::min(line.find_first_of("].= \t"), line.size()));
    const auto &parts = stack::watchParts();
    if (std::ranges::find(parts, name, &stack::WatchPart::name) == parts.end())
        return false;
    const auto sign = line.find('=');
    return header || (sign != line.npos && trimmed(line.substr(sign + 1)).starts_with('{'));
}

/// "services:" or the name of one, at the beginning of a line with nothing behind it.
bool isYamlLine(std::string_view line)
{
    if (line.empty() || !(isNameStart(line.front()) || line.front() == '-'))
        return false;
    line = trimmed(line);
    const auto comment = line.find(" #");
    line = trimmed(line.substr(0, comment));
    return line == "---" || (line.ends_with(':') && line.find_first_of(" =") == line.npos);
}

PastedKind kindOfLines(std::string_view text)
{
    if (anyLine(text, isDeploymentLine))
        return PastedKind::Deployment;
    if (anyLine(text, isYamlLine))
        return PastedKind::Compose;
    return anyLine(text, isAssignment) ? PastedKind::Env : PastedKind::Nothing;
}

bool isPath(std::string_view text)
{
    return text.starts_with('/') || text.starts_with("~/") || text == "~" || text.starts_with("./") ||
           text.starts_with("../") || text.starts_with("file://");
}

/// host:6379, as consoles of hosters show it.
bool isHostPort(std::string_view text)
{
    const auto place = stack::readHostPort(text, 0);
    return place && (place->port == 6379 || place->port == 6380);
}

PastedKind kindOfFile(const fs::path &path, std::string_view text)
{
    const std::string name = path.filename().string();
    const std::string end = path.extension().string();
    if (end == ".yml" || end == ".yaml")
        return PastedKind::Compose;
    if (end == ".toml")
        return PastedKind::Deployment;
    if (end == ".env" || name == ".env" || name.starts_with(".env.") || name == "env")
        return PastedKind::Env;
    return kindOfLines(text);
}

struct EnvText
{
    std::string text, source;
};

struct DeploymentText
{
    std::string text, source;
    fs::path path; ///< empty: it was pasted
};

class Finder final
{
public:
    explicit Finder(const LookOptions &options) : m_options(options) {}
    ~Finder()
    {
        for (auto &one : m_compose)
            wipe(one.text);
        for (auto &one : m_env)
            wipe(one.text);
        for (auto &one : m_deployments)
            wipe(one.text);
    }
    Finder(const Finder &) = delete;

    Result<Found> run(std::string_view pasted, const std::vector<std::string> &files)
    {
        if (auto taken = takePasted(pasted); !taken)
            return taken.error();
        if (m_paths.size() + files.size() > mostFiles)
            return coded(ErrorKind::TooLarge, "more than 20 files are named", "Name those of one project");
        for (const auto &file : files)
            m_paths.push_back(pathOf(file));
        for (std::size_t at = 0; at < m_paths.size(); ++at)
            if (auto taken = takePath(fs::path(m_paths[at])); !taken)
                return taken.error();
        for (auto &one : m_deployments)
            readDeployment(one);
        readStack();
        const bool empty = m_found.ends.empty() && m_found.mistakes.empty() && m_found.findings.empty();
        return empty ? Result<Found>(nothingKnown({})) : Result<Found>(std::move(m_found));
    }

private:
    Result<void> takePasted(std::string_view pasted)
    {
        const auto text = trimmed(pasted);
        if (text.size() > largestText)
            return coded(ErrorKind::TooLarge, "it is larger than 1 MB", "Name its file instead");
        if (text.empty())
            return {};
        switch (kindOfPasted(text)) {
        case PastedKind::Portal:
            return findPortal(unquoted(text), {}, m_found);
        case PastedKind::Redis:
            return takeAddress(readRedisAddress(unquoted(text)));
        case PastedKind::RedisCli:
            return takeAddress(readRedisCli(text));
        case PastedKind::HostPort:
            return takeAddress(readRedisAddress("redis://" + std::string(text)));
        case PastedKind::Env:
            m_env.push_back({std::string(text), {}});
            return {};
        case PastedKind::Compose:
            m_compose.push_back({std::string(pasted), {}, {}});
            return {};
        case PastedKind::Deployment:
            m_deployments.push_back({std::string(text), {}, {}});
            return {};
        case PastedKind::Path:
            m_paths.push_back(pathOf(std::string(text)));
            return {};
        case PastedKind::Nothing:
            break;
        }
        return nothingKnown({});
    }

    Result<void> takeAddress(Result<RedisAddress> address)
    {
        if (!address) {
            Error error = address.error();
            error.code = error.code.empty() ? "connect-address" : error.code;
            return error;
        }
        m_found.findings.push_back({FindingKind::RedisUrl, {}, address->url()});
        Candidate candidate;
        candidate.score = 200;
        candidate.address = std::move(*address);
        m_pasted.push_back(std::move(candidate));
        return {};
    }

    std::string pathOf(std::string text) const
    {
        text = std::string(trimmed(text));
        if (text.starts_with("file://"))
            text.erase(0, 7);
        if (text.starts_with('~') && !m_options.home.empty())
            return (m_options.home / fs::path(text.substr(text.size() > 1 ? 2 : 1))).string();
        return text;
    }

    Result<void> takePath(const fs::path &path)
    {
        std::error_code failed;
        if (fs::is_directory(path, failed))
            return takeFolder(path);
        auto text = readFile(path, largestText);
        if (!text)
            return text.error();
        const std::string source = path.filename().string();
        switch (kindOfFile(path, *text)) {
        case PastedKind::Compose:
            m_found.findings.push_back({FindingKind::ComposeFile, visible(source), visible(source)});
            m_compose.push_back({std::move(*text), source, fs::absolute(path, failed).parent_path()});
            return {};
        case PastedKind::Env:
            m_found.findings.push_back({FindingKind::EnvFile, visible(source), visible(source)});
            m_env.push_back({std::move(*text), source});
            noteFolder(path);
            return {};
        case PastedKind::Deployment:
            m_deployments.push_back({std::move(*text), source, fs::absolute(path, failed)});
            return {};
        default:
            wipe(*text);
            return nothingKnown(source);
        }
    }

    void noteFolder(const fs::path &path)
    {
        std::error_code failed;
        if (m_folder.empty())
            m_folder = fs::absolute(path, failed).lexically_normal().parent_path();
    }

    /// As docker compose looks for its files, in this order.
    static constexpr std::array<const char *, 4> composeNames{"compose.yaml", "compose.yml", "docker-compose.yml",
                                                              "docker-compose.yaml"};

    Result<void> takeFolder(const fs::path &folder)
    {
        std::error_code failed;
        for (const char *name : composeNames)
            if (fs::is_regular_file(folder / name, failed))
                return takePath(folder / name);
        if (fs::is_regular_file(folder / ".env", failed))
            return takePath(folder / ".env");
        return coded(ErrorKind::NotFound, visible(folder.string()) + " has neither a compose file nor a .env",
                     "Name the file itself");
    }

    /// What docker compose reads with a file of its usual name.
    void takeBeside()
    {
        if (m_compose.empty() || m_compose.front().folder.empty())
            return;
        const fs::path folder = m_compose.front().folder;
        m_folder = folder.lexically_normal();
        const std::string name = m_compose.front().source;
        const bool usual = std::ranges::find(composeNames, name) != composeNames.end();
        const std::string stem = name.substr(0, name.rfind('.'));
        std::error_code failed;
        for (const char *end : {".override.yml", ".override.yaml"})
            if (const fs::path more = folder / (stem + end);
                usual && m_compose.size() == 1 && fs::is_regular_file(more, failed))
                addBeside(more);
        const bool given = std::ranges::any_of(m_env, [](const auto &one) { return one.source == ".env"; });
        if (!given && fs::is_regular_file(folder / ".env", failed))
            addBeside(folder / ".env");
    }

    void addBeside(const fs::path &path)
    {
        if (auto taken = takePath(path); !taken)
            m_found.mistakes.push_back(taken.error());
    }

    /// Of what a compose file names, only what is in its own folder: it may be somebody else's, and what it names is
    /// put together with addresses that it names.
    static Result<std::string> readBeside(const fs::path &folder, const fs::path &path)
    {
        std::error_code failed;
        const fs::path root = fs::weakly_canonical(folder, failed);
        const fs::path whole = fs::weakly_canonical(path, failed);
        const auto [end, other] = std::mismatch(root.begin(), root.end(), whole.begin(), whole.end());
        if (failed || root.empty() || end != root.end())
            return failure(ErrorKind::Forbidden, "it is outside of the compose file's folder");
        return readFile(whole, largestText);
    }

    void readStack()
    {
        takeBeside();
        if (m_compose.empty() && m_env.empty() && m_pasted.empty())
            return;
        StackEvidence evidence;
        for (const auto &[text, source] : m_env) {
            EnvReading reading = readEnv(text, source, evidence.variables);
            std::ranges::move(reading.variables, std::back_inserter(evidence.variables));
            std::ranges::move(reading.findings, std::back_inserter(m_found.findings));
            std::ranges::move(reading.mistakes, std::back_inserter(m_found.mistakes));
        }
        const fs::path folder = m_compose.empty() ? fs::path() : m_compose.front().folder;
        evidence.compose =
            readCompose(m_compose, evidence.variables, [&](const fs::path &path) { return readBeside(folder, path); });
        findPortals(evidence.variables);
        evidence.pasted = std::move(m_pasted);
        evidence.folder = m_folder;
        evidence.name = m_folder.filename().string();
        evidence.readSecrets = m_options.readSecrets;
        findStack(std::move(evidence), m_found);
    }

    /// PORTAL_URL with PORTAL_TOKEN, as the console's own command line takes them.
    void findPortals(const Variables &variables)
    {
        const Variable *url = findVariable(variables, "PORTAL_URL");
        if (!url || !isSaid(*url->value))
            return;
        if (const auto taken = findPortal(url->value->reveal(), url->place.text(), m_found); !taken) {
            m_found.mistakes.push_back(taken.error());
            return;
        }
        const Variable *token = findVariable(variables, "PORTAL_TOKEN");
        EndSpec &spec = m_found.ends.back();
        if (!token || !isSaid(*token->value) || !spec.secret.empty())
            return;
        spec.signIn = SignInBy::Token;
        spec.secret = spec.name + "-token";
        m_found.secrets.push_back({spec.secret, *token->value});
        m_found.findings.push_back({FindingKind::PasswordTaken, token->place.text(), spec.secret});
    }

    void readDeployment(const DeploymentText &given)
    {
        const bool pasted = given.path.empty();
        // A file is looked at again as it is, with who may have written it.
        const auto reading = pasted ? stack::parseWatchFile(given.text, "deployment.toml", stack::ReadFor::Console)
                                    : stack::readWatchFile(given.path, stack::ReadFor::Console);
        const std::string source = pasted ? std::string() : visible(given.source);
        m_found.findings.push_back({FindingKind::DeploymentFile, source, visible(reading.file.name)});
        for (const auto &one : reading.mistakes) {
            Error error = failure(ErrorKind::Invalid, one.text());
            error.code = "watch-file";
            m_found.mistakes.push_back(std::move(error));
        }
        if (!reading.mistakes.empty())
            return; // it may hold in clear what it has to name
        const auto &file = reading.file;
        for (const auto &program : file.programs)
            m_found.programs.push_back(program.arguments);
        for (const auto &secret : file.secrets)
            if (secret.reference.kind == SecretRef::Kind::Keychain)
                m_found.findings.push_back(
                    {FindingKind::PasswordNeeded, Place{source, secret.line}.text(), visible(secret.reference.name)});
        if (pasted) // what it names beside itself is elsewhere
            for (const auto &named : file.files)
                m_found.findings.push_back(
                    {FindingKind::NotRead, Place{source, named.line}.text(), visible(named.path)});
        addEnds(given, file);
    }

    void addEnds(const DeploymentText &given, const stack::WatchFile &file)
    {
        EndSpec spec;
        spec.name = file.name;
        spec.group = file.group;
        spec.production = file.production;
        spec.readOnly = file.readOnly;
        if (file.portal) {
            EndSpec portal = spec;
            portal.kind = EndKind::Portal;
            portal.url = file.portal->url;
            portal.reach = file.portal->through;
            portal.trust = file.portal->trust;
            const auto &token = file.portal->token;
            portal.signIn = token.kind == SecretRef::Kind::None ? SignInBy::Anonymous : SignInBy::Token;
            portal.secret = token.kind == SecretRef::Kind::Keychain ? token.name : "";
            m_found.ends.push_back(std::move(portal));
        }
        if (!file.watchesAnything() || !m_found.watchFile.empty())
            return;
        spec.kind = EndKind::File;
        spec.file = given.path.string();
        m_found.watchFile = given.text;
        m_found.ends.push_back(std::move(spec));
    }

    const LookOptions &m_options;
    std::vector<std::string> m_paths;
    std::vector<ComposeText> m_compose;
    std::vector<EnvText> m_env;
    std::vector<DeploymentText> m_deployments;
    std::vector<Candidate> m_pasted;
    fs::path m_folder;
    Found m_found;
};

} // namespace

PastedKind kindOfPasted(std::string_view text)
{
    text = trimmed(text);
    if (text.empty())
        return PastedKind::Nothing;
    if (text.find('\n') != text.npos)
        return kindOfLines(text);
    text = unquoted(text);
    if (text.starts_with("redis-cli ") || text.starts_with("valkey-cli "))
        return PastedKind::RedisCli;
    if (text.starts_with("http://") || text.starts_with("https://"))
        return PastedKind::Portal;
    if (looksLikeRedis(text) || (text.find(",password=") != text.npos && !isAssignment(text)))
        return PastedKind::Redis;
    if (isPath(text))
        return PastedKind::Path;
    if (isAssignment(text))
        return kindOfLines(text);
    if (isHostPort(text))
        return PastedKind::HostPort;
    std::error_code failed;
    return text.size() < 4096 && fs::exists(fs::path(text), failed) ? PastedKind::Path : kindOfLines(text);
}

Result<Found> look(std::string_view pasted, const std::vector<std::string> &files, const LookOptions &options)
{
    return Finder(options).run(pasted, files);
}

} // namespace portolan::connect

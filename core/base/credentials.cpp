// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/credentials.h"

#include "core/base/blocking_pool.h"
#include "core/base/child_process.h"
#include "core/base/file_owner.h"
#include "core/base/given_text.h"
#include "core/base/masking.h"
#include "core/base/program.h"
#include "core/base/utf8.h"

#include <algorithm>
#include <utility>

namespace portolan {

namespace {

constexpr std::size_t longestSecret = 8192;
constexpr std::size_t largestFile = 64 * 1024;
constexpr std::size_t longestName = 200;
constexpr std::size_t longestPath = 4096;
constexpr std::size_t longestArgument = 4096;
constexpr std::size_t mostArguments = 64;
constexpr std::size_t mostVariables = 32;

Error invalid(const std::string &what, const std::string &mend) { return failure(ErrorKind::Invalid, what, mend); }

Error coded(ErrorKind kind, const char *code, const std::string &what, const std::string &mend)
{
    Error error = failure(kind, what, mend);
    error.code = code;
    return error;
}

/// Names and paths are shown and become arguments: all of it can be seen.
bool isPlain(std::string_view text) { return isUtf8(text) && visible(text) == text; }

bool isVariable(std::string_view name)
{
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    return !name.empty() && name.size() <= longestName && letter(name.front()) &&
           std::ranges::all_of(name, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

/// Reads `[PROGRAM, "an argument", …]`.
class ListReader final
{
public:
    explicit ListReader(std::string_view text) : m_text(trimmed(text)) {}

    std::optional<std::vector<std::string>> read()
    {
        if (m_text.size() < 2 || m_text.front() != '[' || m_text.back() != ']')
            return std::nullopt;
        m_text = trimmed(m_text.substr(1, m_text.size() - 2));
        std::vector<std::string> items;
        while (!m_text.empty()) {
            auto item = m_text.front() == '"' || m_text.front() == '\'' ? quoted() : bare();
            if (!item)
                return std::nullopt;
            items.push_back(std::move(*item));
            m_text = trimmed(m_text);
            if (m_text.empty())
                break;
            if (m_text.front() != ',')
                return std::nullopt;
            m_text = trimmed(m_text.substr(1));
        }
        return items;
    }

private:
    /// `"…"` takes \" and \\, `'…'` nothing.
    std::optional<std::string> quoted()
    {
        const char quote = m_text.front();
        std::string item;
        for (std::size_t at = 1; at < m_text.size(); ++at) {
            if (m_text[at] == quote) {
                m_text.remove_prefix(at + 1);
                return item;
            }
            const bool escaped = quote == '"' && m_text[at] == '\\' && at + 1 < m_text.size();
            at += escaped;
            item += m_text[at];
        }
        return std::nullopt;
    }

    std::optional<std::string> bare()
    {
        const auto end = std::min(m_text.find(','), m_text.size());
        const auto item = trimmed(m_text.substr(0, end));
        m_text.remove_prefix(end);
        if (item.empty() || item.find_first_of("[]\"'") != item.npos)
            return std::nullopt;
        return std::string(item);
    }

    std::string_view m_text;
};

Result<SecretRef> parseCommand(std::string_view text)
{
    const auto arguments = ListReader(text).read();
    if (!arguments)
        return invalid("what follows command: is no list", R"(Write "command:[PROGRAM, ARG]")");
    return secretOfProgram(*arguments, {});
}

Result<SecretRef> parsePath(std::string_view text, const std::filesystem::path &folder)
{
    if (text.starts_with("//")) // as a URL has it
        text.remove_prefix(2);
    if (text.empty() || text.size() > longestPath || !isPlain(text))
        return invalid("what follows file: is no path", "Write \"file:/path/of/the/file\"");
    if (text.front() == '~')
        return invalid("'~' is for shells", "Write the whole path, or one beside this file");
    SecretRef reference;
    reference.kind = SecretRef::Kind::File;
    reference.name = (folder / std::filesystem::path(text)).lexically_normal().string();
    return reference;
}

/// The first line of what a file or a program holds, if that can be a secret. Wipes `text`.
Result<Secret> firstLine(std::string text, const std::string &where)
{
    const std::string_view line = withoutLineEnd(std::string_view(text).substr(0, text.find('\n')));
    const bool plain =
        isUtf8(line) && std::ranges::none_of(line, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
    Result<Secret> secret = Secret(line);
    if (line.empty())
        secret = coded(ErrorKind::Protocol, "secret-rubbish", where + " begins with an empty line",
                       "The secret is what its first line holds");
    else if (line.size() > longestSecret || !plain)
        secret =
            coded(ErrorKind::Protocol, "secret-rubbish",
                  where + " holds " + (plain ? "a first line of more than 8192 bytes" : "a first line that is no text"),
                  "The secret is what its first line holds");
    wipe(text);
    return secret;
}

Error missing(const std::string &what, const std::string &mend)
{
    return coded(ErrorKind::NotFound, "secret-missing", what, mend);
}

Error ofFile(Error error)
{
    if (error.kind == ErrorKind::NotFound)
        error.code = "secret-missing";
    if (error.kind == ErrorKind::Forbidden)
        error.code = "secret-open";
    return error;
}

Result<Secret> readVariable(const SecretRef &reference, const SecretSources &sources)
{
    auto value = sources.environment ? sources.environment(reference.name) : std::nullopt;
    if (!value || value->empty())
        return missing("the variable " + reference.name + (value ? " is empty" : " is not set"),
                       "Set it for this process");
    return firstLine(std::move(*value), "the variable " + reference.name);
}

Error noKeychain()
{
    return coded(ErrorKind::Unsupported, "secret-keychain", "keychain: is for the console: there is none here",
                 "Write env:NAME, file:PATH or command:[PROGRAM, ARG] instead");
}

} // namespace

Result<SecretRef> parseSecretRef(std::string_view text, const std::filesystem::path &folder)
{
    const auto named = [&](std::string_view scheme) { return text.starts_with(scheme); };
    SecretRef reference;
    if (named("command:"))
        return parseCommand(text.substr(8));
    if (named("file:"))
        return parsePath(text.substr(5), folder);
    if (named("env:")) {
        reference.kind = SecretRef::Kind::Env;
        reference.name = text.substr(4);
        if (!isVariable(reference.name))
            return invalid("what follows env: is no name of a variable", "It has letters, digits and _");
        return reference;
    }
    if (named("keychain:")) {
        reference.kind = SecretRef::Kind::Keychain;
        reference.name = text.substr(9);
        if (reference.name.empty() || reference.name.size() > longestName || !isPlain(reference.name))
            return invalid("what follows keychain: is no name", "It has 1 to 200 bytes that can be seen");
        return reference;
    }
    return invalid(text.empty() ? "it says nowhere" : "a secret stands here in clear",
                   "Write it into a file of mode 0600 and name that, \"file:PATH\"; or name where it is: \"env:NAME\", "
                   "\"command:[PROGRAM, ARG]\", or \"keychain:NAME\" for the console");
}

Result<void> checkProgramName(std::string_view name)
{
    const bool path = name.find('/') != name.npos;
    if (name.empty() || name.size() > longestArgument || !isPlain(name) || name.front() == '-')
        return invalid("it names no program", "The first item is a program of PATH, or its whole path");
    if (path && name.front() != '/')
        return invalid("the program's path is not whole", "It begins with a slash, or names a program of PATH");
    return {};
}

Result<SecretRef> secretOfProgram(std::span<const std::string> arguments, std::span<const std::string> variables)
{
    if (arguments.empty())
        return invalid("the command names no program", R"(Write ["PROGRAM", "ARG"])");
    if (const auto fit = checkProgramName(arguments.front()); !fit)
        return fit.error();
    const auto longer = [](const std::string &argument) { return argument.size() > longestArgument; };
    const auto hasZero = [](const std::string &argument) { return argument.find('\0') != argument.npos; };
    if (arguments.size() > mostArguments || std::ranges::any_of(arguments, longer) ||
        std::ranges::any_of(arguments, hasZero))
        return invalid("the command has more than 64 arguments, or one of more than 4096 bytes or with a zero byte",
                       "Put it into a script and name that");
    if (variables.size() > mostVariables || !std::ranges::all_of(variables, isVariable))
        return invalid("env names what can be no variables", "Write at most 32 names of letters, digits and _");
    SecretRef reference;
    reference.kind = SecretRef::Kind::Command;
    reference.program.assign(arguments.begin(), arguments.end());
    reference.sees.assign(variables.begin(), variables.end());
    return reference;
}

std::string shown(const SecretRef &reference)
{
    switch (reference.kind) {
    case SecretRef::Kind::None:
        break;
    case SecretRef::Kind::Keychain:
        return "keychain:" + reference.name;
    case SecretRef::Kind::Env:
        return "env:" + reference.name;
    case SecretRef::Kind::File:
        return "file:" + reference.name;
    case SecretRef::Kind::Command:
        return "command:" + quotable(reference.program.front(), 200);
    }
    return {};
}

awaitable<Result<Secret>> readSecret(SecretRef reference, SecretSources sources, BlockingPool &blocking)
{
    switch (reference.kind) {
    case SecretRef::Kind::None:
        co_return Secret();
    case SecretRef::Kind::Keychain:
        if (!sources.keychain)
            co_return noKeychain();
        co_return co_await sources.keychain(reference.name);
    case SecretRef::Kind::Env:
        co_return readVariable(reference, sources);
    case SecretRef::Kind::File: {
        auto work = [path = reference.name] { return readSecretFile(path, largestFile); };
        auto text = co_await blocking.run(std::move(work));
        if (!text)
            co_return ofFile(text.error());
        co_return firstLine(std::move(*text), visible(reference.name));
    }
    case SecretRef::Kind::Command:
        break;
    }
    ProgramRequest request;
    request.arguments = reference.program;
    request.environment = programEnvironment(sources.environment, reference.sees);
    auto text = co_await runProgram(std::move(request));
    if (!text)
        co_return text.error();
    co_return firstLine(std::move(*text), "what " + quotable(reference.program.front(), 200) + " prints");
}

Result<void> checkSecret(const SecretRef &reference, const SecretSources &sources)
{
    switch (reference.kind) {
    case SecretRef::Kind::None:
        break;
    case SecretRef::Kind::Keychain:
        if (!sources.keychain)
            return noKeychain();
        break;
    case SecretRef::Kind::Env:
        if (const auto value = readVariable(reference, sources); !value)
            return value.error();
        break;
    case SecretRef::Kind::File:
        if (const auto fit = checkSecretFile(reference.name); !fit)
            return ofFile(fit.error());
        break;
    case SecretRef::Kind::Command:
        if (!findProgram(reference.program.front()))
            return coded(ErrorKind::NotFound, "program-missing",
                         "there is no program " + quotable(reference.program.front(), 200),
                         "Name it by its whole path, and make it executable");
        break;
    }
    return {};
}

} // namespace portolan

// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/connect/env_file.h"

#include "core/base/utf8.h"

#include <algorithm>
#include <map>

namespace portolan::connect {

namespace {

constexpr std::size_t largestFile = 1024 * 1024;
constexpr std::size_t mostLines = 10'000;
constexpr std::size_t longestLine = 64 * 1024;
constexpr std::size_t longestName = 200;
constexpr std::size_t mostMistakes = 100; ///< that are told; who has more has another kind of file

Error wrong(const std::string &what, const std::string &mend = {}) { return failure(ErrorKind::Invalid, what, mend); }

bool isBlank(char c) { return c == ' ' || c == '\t' || c == '\v' || c == '\f'; }

bool isNamePart(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-';
}

bool isName(std::string_view name)
{
    return !name.empty() && name.size() <= longestName && std::ranges::all_of(name, isNamePart) &&
           !(name.front() >= '0' && name.front() <= '9') && name.front() != '-';
}

class Reader final
{
public:
    Reader(std::string_view text, const std::string &source, const Variables &above)
        : m_source(source), m_text(withUnixLineEnds(text))
    {
        for (const auto &variable : above)
            set(variable);
    }
    ~Reader() { wipe(m_text); }
    Reader(const Reader &) = delete;

    EnvReading run()
    {
        if (const auto refused = refuseWhole(); !refused)
            note(0, refused.error());
        else
            while (m_at < m_text.size() && m_reading.mistakes.size() < mostMistakes)
                line();
        return std::move(m_reading);
    }

private:
    static std::string withUnixLineEnds(std::string_view text)
    {
        if (text.starts_with("\xEF\xBB\xBF"))
            text.remove_prefix(3);
        std::string made;
        made.reserve(text.size());
        for (std::size_t at = 0; at < text.size(); ++at) {
            const bool pair = text[at] == '\r' && at + 1 < text.size() && text[at + 1] == '\n';
            if (!pair)
                made += text[at] == '\r' ? '\n' : text[at];
        }
        return made;
    }

    Result<void> refuseWhole() const
    {
        if (m_text.size() > largestFile)
            return wrong("it is larger than 1 MB");
        if (m_text.starts_with("\xFF\xFE") || m_text.starts_with("\xFE\xFF") ||
            m_text.find('\0') != std::string::npos || !isUtf8(m_text))
            return wrong("it is no text in UTF-8", "Save it as UTF-8");
        if (std::size_t(std::ranges::count(m_text, '\n')) > mostLines)
            return wrong("it has more than 10,000 lines");
        return {};
    }

    void note(unsigned line, Error why)
    {
        if (m_reading.mistakes.size() < mostMistakes)
            m_reading.mistakes.push_back(mistake({m_source, line}, "env-file", std::move(why)));
    }

    static Error noAssignment()
    {
        return wrong("what stands there is no NAME=value", "Write a '#' before it where it is a comment");
    }

    char here() const { return m_at < m_text.size() ? m_text[m_at] : '\n'; }
    bool atEnd() const { return here() == '\n'; }
    std::string_view rest() const { return std::string_view(m_text).substr(m_at); }
    void skipBlanks()
    {
        while (m_at < m_text.size() && isBlank(m_text[m_at]))
            ++m_at;
    }
    void skipLine()
    {
        m_at = std::min(m_text.find('\n', m_at), m_text.size()) + 1;
        ++m_line;
    }

    void line()
    {
        if (std::min(m_text.find('\n', m_at), m_text.size()) - m_at > longestLine) {
            note(m_line, wrong("the line is longer than 64 KB"));
            return skipLine();
        }
        skipBlanks();
        if (!atEnd() && here() != '#')
            assignment();
        else
            skipLine();
    }

    void assignment()
    {
        const unsigned first = m_line;
        if (rest().starts_with("export") && rest().size() > 6 && isBlank(rest()[6])) {
            m_at += 6;
            skipBlanks();
        }
        const auto name = readName();
        if (!name)
            return skipLine(); // said already
        skipBlanks();
        if (atEnd() || here() == '#') { // named alone
            m_reading.variables.push_back({*name, std::nullopt, {m_source, first}});
            return skipLine();
        }
        const bool colon =
            here() == ':' && (m_at + 1 >= m_text.size() || isBlank(m_text[m_at + 1]) || m_text[m_at + 1] == '\n');
        if (here() != '=' && !colon) {
            note(first, noAssignment());
            return skipLine();
        }
        ++m_at;
        skipBlanks();
        value(*name, first);
    }

    std::optional<std::string> readName()
    {
        std::size_t end = m_at;
        const bool quoted = here() == '\'' || here() == '"';
        if (quoted) {
            const char quote = here();
            ++m_at;
            end = std::min(m_text.find_first_of(std::string{quote, '\n'}, m_at), m_text.size());
        } else {
            while (end < m_text.size() && isNamePart(m_text[end]))
                ++end;
        }
        const std::string_view name = std::string_view(m_text).substr(m_at, end - m_at);
        const bool closed = !quoted || (end < m_text.size() && m_text[end] != '\n');
        if (!closed || !isName(name)) {
            note(m_line, noAssignment());
            return std::nullopt;
        }
        m_at = end + quoted;
        return std::string(name);
    }

    void value(const std::string &name, unsigned first)
    {
        const char quote = here();
        if (quote != '"' && quote != '\'') {
            const auto end = std::min(m_text.find('\n', m_at), m_text.size());
            const auto text = withoutComment(std::string_view(m_text).substr(m_at, end - m_at));
            keep(name, text, true, first);
            return skipLine();
        }
        const auto close = closing(quote);
        if (!close) {
            note(first,
                 wrong(name + " begins with a quote that is not closed", "Close it, or put the value into the others"));
            return skipLine();
        }
        const auto inside = std::string_view(m_text).substr(m_at + 1, *close - m_at - 1);
        if (inside.size() > longestLine)
            note(first, wrong(name + " is longer than 64 KB"));
        std::string text = inside.size() > longestLine ? std::string() : unescaped(inside, quote);
        m_line += unsigned(std::ranges::count(inside, '\n'));
        m_at = *close + 1;
        skipBlanks();
        if (!atEnd() && here() != '#')
            note(m_line, wrong("something follows the quote that ends " + name,
                               "Put the whole value into quotes, and a '#' before a comment"));
        else if (inside.size() <= longestLine)
            keep(name, text, quote == '"', first);
        wipe(text);
        skipLine();
    }

    /// Where the quote that opens here is closed. Nothing is looked through twice: where none was found, none is.
    std::optional<std::size_t> closing(char quote)
    {
        bool &none = quote == '"' ? m_noDouble : m_noSingle;
        for (std::size_t at = m_at + 1; !none && at < m_text.size(); ++at) {
            if (m_text[at] == quote)
                return at;
            at += m_text[at] == '\\';
        }
        none = true;
        return std::nullopt;
    }

    static std::string_view withoutComment(std::string_view text)
    {
        for (std::size_t at = 1; at < text.size(); ++at)
            if (text[at] == '#' && isBlank(text[at - 1])) {
                text = text.substr(0, at);
                break;
            }
        while (!text.empty() && isBlank(text.back()))
            text.remove_suffix(1);
        return text;
    }

    /// `\$` becomes `$$`, which expand() makes a '$' of.
    static std::string unescaped(std::string_view text, char quote)
    {
        constexpr std::string_view written = "nrtabfv\\\"'";
        constexpr std::string_view meant = "\n\r\t\a\b\f\v\\\"'";
        std::string made;
        made.reserve(2 * text.size());
        for (std::size_t at = 0; at < text.size(); ++at) {
            const char next = text[at] == '\\' && at + 1 < text.size() ? text[at + 1] : '\0';
            const auto known = next == '\0' ? written.npos : written.find(next);
            if (quote == '"' && next == '$')
                made += "$$";
            else if (quote == '"' ? known != written.npos : next == '\'')
                made += quote == '"' ? meant[known] : '\'';
            else {
                made += text[at];
                continue;
            }
            ++at;
        }
        return made;
    }

    void keep(const std::string &name, std::string_view text, bool expands, unsigned line)
    {
        Variable variable{name, Secret(text), {m_source, line}};
        if (expands) {
            const auto expanded = expand(
                text, [this](std::string_view wanted) { return find(wanted); }, Dialect::EnvFile, m_room);
            if (!expanded)
                return note(line, wrong(name + ": " + expanded.error().message, expanded.error().hint));
            for (const auto &unset : expanded->unset)
                m_reading.findings.push_back({FindingKind::NotSet, variable.place.text(), unset, name});
            if (expanded->twoWays)
                m_reading.findings.push_back({FindingKind::ReadInTwoWays, variable.place.text(), name});
            variable.value = expanded->text;
        } else if (text.size() > m_room) {
            return note(line, wrong("all values together are longer than 1 MB"));
        } else {
            m_room -= text.size();
        }
        set(variable);
        m_reading.variables.push_back(std::move(variable));
    }

    void set(const Variable &variable)
    {
        if (variable.value)
            m_values[variable.name] = *variable.value;
    }

    const Secret *find(std::string_view name) const
    {
        const auto found = m_values.find(name);
        return found == m_values.end() ? nullptr : &found->second;
    }

    const std::string &m_source;
    std::string m_text;
    std::size_t m_at = 0;
    unsigned m_line = 1;
    std::size_t m_room = largestFile;
    bool m_noDouble = false;
    bool m_noSingle = false;
    std::map<std::string, Secret, std::less<>> m_values;
    EnvReading m_reading;
};

} // namespace

EnvReading readEnv(std::string_view text, const std::string &source, const Variables &above)
{
    return Reader(text, source, above).run();
}

} // namespace portolan::connect

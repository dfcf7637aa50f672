// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/connect/variables.h"

#include "core/base/given_text.h"
#include "core/base/masking.h"

#include <algorithm>
#include <ranges>

namespace portolan::connect {

namespace {

constexpr unsigned deepest = 10;
constexpr std::size_t longestName = 200;

bool beginsName(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool isName(char c) { return beginsName(c) || (c >= '0' && c <= '9'); }

std::string_view nameAt(std::string_view text, std::size_t at)
{
    std::size_t end = at;
    while (end < text.size() && (end == at ? beginsName(text[end]) : isName(text[end])))
        ++end;
    return text.substr(at, end - at);
}

Error wrong(const std::string &what, const std::string &mend = {}) { return failure(ErrorKind::Invalid, what, mend); }

class Expander final
{
public:
    Expander(const Lookup &lookup, Dialect dialect, std::size_t &room)
        : m_lookup(lookup), m_dialect(dialect), m_room(room)
    {}
    ~Expander() { wipe(m_made); }
    Expander(const Expander &) = delete;

    Result<Expanded> run(std::string_view text)
    {
        if (auto done = all(text, 0); !done)
            return done.error();
        Expanded expanded;
        expanded.text = Secret(m_made);
        expanded.unset = std::move(m_unset);
        expanded.twoWays = m_twoWays;
        return expanded;
    }

private:
    struct Braced
    {
        std::string_view name;
        bool filled = false; ///< an empty value counts as none
        char kind = 0;       ///< '-', '?', '+'; 0: nothing but the name
        std::string_view word;
        std::size_t end = 0; ///< behind its '}'
    };

    Result<void> put(std::string_view text)
    {
        if (text.size() > m_room)
            return wrong("what its variables make of it is longer than 1 MB", "Write the values out");
        m_room -= text.size();
        std::string longer;
        if (m_made.size() + text.size() > m_made.capacity()) { // growing by itself would leave a copy behind
            longer.reserve(2 * (m_made.size() + text.size()));
            longer.append(m_made);
            wipe(m_made);
            m_made = std::move(longer);
        }
        m_made.append(text);
        return {};
    }

    Result<void> all(std::string_view text, unsigned depth)
    {
        if (depth > deepest)
            return wrong("variables stand within variables more than 10 deep", "Write the values out");
        while (!text.empty()) {
            const auto sign = std::min(text.find('$'), text.size());
            if (auto done = put(text.substr(0, sign)); !done)
                return done;
            text.remove_prefix(sign);
            if (text.empty())
                break;
            const auto taken = one(text, depth);
            if (!taken)
                return taken.error();
            text.remove_prefix(*taken);
        }
        return {};
    }

    /// Of a text that begins with '$': how much of it was taken.
    Result<std::size_t> one(std::string_view text, unsigned depth)
    {
        if (text.starts_with("$$")) {
            m_twoWays = true;
            return took(put("$"), 2);
        }
        if (const auto braced = readBraced(text))
            return took(take(*braced, depth), braced->end);
        if (const auto name = nameAt(text, 1); !name.empty() && name.size() <= longestName)
            return took(takeBare(name), name.size() + 1);
        if (m_dialect == Dialect::Compose)
            return wrong("a '$' in it begins no variable", "Write $$ where a '$' is meant");
        return took(put("$"), 1);
    }

    static Result<std::size_t> took(Result<void> done, std::size_t size)
    {
        if (!done)
            return done.error();
        return size;
    }

    /// nullopt: what begins with "${" is no variable.
    static std::optional<Braced> readBraced(std::string_view text)
    {
        if (!text.starts_with("${"))
            return std::nullopt;
        Braced braced;
        braced.name = nameAt(text, 2);
        std::size_t at = 2 + braced.name.size();
        if (braced.name.empty() || braced.name.size() > longestName || at >= text.size())
            return std::nullopt;
        if (text[at] == '}') {
            braced.end = at + 1;
            return braced;
        }
        braced.filled = text[at] == ':';
        at += braced.filled;
        if (at >= text.size() || std::string_view("-?+").find(text[at]) == std::string_view::npos)
            return std::nullopt;
        braced.kind = text[at++];
        unsigned open = 1;
        for (std::size_t end = at; end < text.size(); ++end) {
            if (text[end] == '$' && end + 1 < text.size() && text[end + 1] == '{' && ++open > deepest + 2)
                return std::nullopt;
            if (text[end] != '}' || --open > 0)
                continue;
            braced.word = text.substr(at, end - at);
            braced.end = end + 1;
            return braced;
        }
        return std::nullopt;
    }

    Result<void> take(const Braced &braced, unsigned depth)
    {
        const Secret *value = m_lookup(braced.name);
        const bool there = value && !(braced.filled && value->empty());
        if (braced.kind == '+')
            return there ? all(braced.word, depth + 1) : Result<void>();
        if (there)
            return put(value->reveal());
        if (braced.kind == '-')
            return all(braced.word, depth + 1);
        if (braced.kind == '?')
            return wrong(std::string(braced.name) + " is asked for, and is not set in any of the files",
                         "Open the file that sets it too");
        note(braced.name);
        return {};
    }

    Result<void> takeBare(std::string_view name)
    {
        m_twoWays = m_twoWays || m_dialect == Dialect::EnvFile;
        if (const Secret *value = m_lookup(name))
            return put(value->reveal());
        if (m_dialect == Dialect::EnvFile)
            return put(std::string(1, '$').append(name));
        note(name);
        return {};
    }

    void note(std::string_view name)
    {
        if (std::ranges::find(m_unset, name) == m_unset.end())
            m_unset.emplace_back(name);
    }

    const Lookup &m_lookup;
    const Dialect m_dialect;
    std::size_t &m_room;
    std::string m_made;
    std::vector<std::string> m_unset;
    bool m_twoWays = false;
};

} // namespace

std::string Place::text() const
{
    const std::string shown = visible(source);
    return line == 0 ? shown : shown + (shown.empty() ? "" : ":") + std::to_string(line);
}

Error mistake(const Place &place, const char *code, Error why)
{
    std::string where = place.text();
    if (!where.empty() && visible(place.source).empty()) // what was pasted has no name
        where.insert(0, "line ");
    why.message = where.empty() ? why.message : where + ": " + why.message;
    why.code = code;
    return why;
}

const Variable *findVariable(const Variables &variables, std::string_view name)
{
    for (const auto &variable : variables | std::views::reverse)
        if (variable.name == name && variable.value)
            return &variable;
    return nullptr;
}

Result<Expanded> expand(std::string_view text, const Lookup &lookup, Dialect dialect, std::size_t &room)
{
    return Expander(lookup, dialect, room).run(text);
}

} // namespace portolan::connect

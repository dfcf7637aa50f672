// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/toml_file.h"

#include "core/base/given_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

namespace portolan {

namespace {

constexpr std::size_t largestFile = 1024 * 1024;
constexpr std::size_t deepestKey = 32;   ///< parts of a dotted key, or of a table's header
constexpr std::size_t deepestTable = 64; ///< tables within tables, however they are written

/// What the parser says, without more than a character of what it read: a value that is in no quotes may be a password.
std::string withoutValue(std::string_view why)
{
    if (why.find("could not determine value type") != why.npos) // of password = hunter2, without more of it
        return "what stands behind = is no value; a text stands in quotes";
    if (why.find("unescaped control characters") != why.npos)
        return "a text ends on its line, with the quote it began with, and has no character that cannot be seen";
    for (const std::string_view number : {"' is not representable", "' could not be interpreted as a value"})
        if (const auto end = why.find(number); end != why.npos)
            return std::string(why.substr(0, why.find(": ") + 2)).append("the number").append(why.substr(end + 1));
    const auto saw = why.find(", saw '");
    const bool character = saw != why.npos && why.ends_with('\'') && why.size() <= saw + 7 + 2;
    return std::string(why.substr(0, character ? why.npos : saw));
}

/// Reads over a string or a comment, as TOML 1.0 has them, and answers where it ends; `at` itself where none begins.
std::size_t pastText(std::string_view text, std::size_t at)
{
    if (text[at] == '#')
        return std::min(text.find('\n', at), text.size());
    if (text[at] != '"' && text[at] != '\'')
        return at;
    const char quote = text[at];
    const std::string three(3, quote);
    const bool several = text.substr(at).starts_with(three);
    std::size_t end = at + (several ? 3 : 1);
    while (end < text.size() && !(several ? text.substr(end).starts_with(three) : text[end] == quote)) {
        if (!several && text[end] == '\n') // it is not closed: no TOML, which the parser says
            return end;
        end += quote == '"' && text[end] == '\\' ? 2 : 1;
    }
    end += several ? 3 : 1;
    while (several && end < text.size() && text[end] == quote) // a quote or two may end the text itself
        ++end;
    return std::min(end, text.size());
}

/// The line of a key with too many parts; 0: none has. The parser walks down into each part, and out of it again, by
/// calls within calls: a file of dots would take the whole stack.
unsigned lineOfTooDeep(std::string_view text)
{
    unsigned line = 1;
    std::size_t parts = 1;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t behind = pastText(text, at);
        if (behind > at) {
            line +=
                unsigned(std::count(text.begin() + std::ptrdiff_t(at), text.begin() + std::ptrdiff_t(behind), '\n'));
            at = behind;
            continue;
        }
        if (text[at] == '\n' || text[at] == '=' || text[at] == ',' || text[at] == '{')
            parts = 1;
        else if (text[at] == '.' && ++parts > deepestKey)
            return line;
        line += text[at] == '\n';
        ++at;
    }
    return 0;
}

std::optional<std::string> scalar(const toml::node &node)
{
    if (const auto *text = node.as_string())
        return text->get();
    if (const auto *yes = node.as_boolean())
        return yes->get() ? "true" : "false";
    if (const auto *whole = node.as_integer())
        return std::to_string(whole->get());
    if (const auto *real = node.as_floating_point()) {
        std::array<char, 32> text{};
        return std::string(text.data(), std::to_chars(text.data(), text.data() + text.size(), real->get()).ptr);
    }
    return std::nullopt;
}

/// Walks the tree. What no key can take is noted and passed over.
class Flattener final
{
public:
    explicit Flattener(std::vector<TomlFlaw> &flaws) : m_flaws(flaws) {}

    /// Where the parts of a table go.
    struct Into
    {
        std::vector<TomlEntry> &entries;
        std::vector<TomlSection> &sections;
        std::vector<TomlTable> *tables; ///< null within an element of an array of tables
    };

    void table(const toml::table &table, const std::string &prefix, const Into &into)
    {
        if (++m_depth > deepestTable)
            flaw(table, prefix, "tables are within tables too often");
        else
            for (const auto &[name, node] : table)
                value(node, prefix.empty() ? std::string(name.str()) : prefix + '.' + std::string(name.str()), into);
        --m_depth;
    }

private:
    void value(const toml::node &node, const std::string &key, const Into &into)
    {
        const unsigned line = node.source().begin.line;
        if (const auto *inner = node.as_table()) {
            into.sections.push_back({key, line});
            table(*inner, key, into);
        } else if (auto text = scalar(node)) {
            into.entries.push_back({key, std::move(*text), line});
        } else if (const auto *items = node.as_array()) {
            array(*items, key, into);
        } else {
            flaw(node, key, "dates are not used here; write a string");
        }
    }

    void array(const toml::array &items, const std::string &key, const Into &into)
    {
        if (!items.empty() && items.is_array_of_tables()) {
            if (into.tables)
                tables(items, key, *into.tables);
            else
                flaw(items, key, "an array of tables within another is not used here");
            return;
        }
        TomlEntry entry{key, {}, items.source().begin.line, true};
        for (const auto &item : items) {
            auto text = scalar(item);
            if (!text)
                return flaw(items, key, "the array may hold plain values only");
            entry.text.append(entry.items.empty() ? "" : ",").append(*text);
            entry.items.push_back(std::move(*text));
        }
        into.entries.push_back(std::move(entry));
    }

    void tables(const toml::array &items, const std::string &key, std::vector<TomlTable> &into)
    {
        for (const auto &item : items) {
            TomlTable made{key, item.source().begin.line, {}};
            m_element = key + '.';
            table(*item.as_table(), {}, {made.entries, made.sections, nullptr});
            m_element.clear();
            into.push_back(std::move(made));
        }
    }

    void flaw(const toml::node &node, const std::string &key, const char *why)
    {
        m_flaws.push_back({node.source().begin.line, m_element + key, why});
    }

    std::vector<TomlFlaw> &m_flaws;
    std::string m_element; ///< what stands before keys of an array's element
    std::size_t m_depth = 0;
};

} // namespace

TomlDocument parseToml(std::string_view text, std::vector<TomlFlaw> &flaws)
{
    TomlDocument document;
    if (text.size() > largestFile) {
        flaws.push_back({0, {}, "larger than 1 MB"});
        return document;
    }
    if (const unsigned line = lineOfTooDeep(text); line > 0) {
        flaws.push_back({line, {}, "a key has more than " + std::to_string(deepestKey) + " parts"});
        return document;
    }
    toml::table root;
    try {
        root = toml::parse(text); // the distribution builds the library with exceptions
    } catch (const toml::parse_error &error) {
        flaws.push_back({error.source().begin.line, {}, visible(withoutValue(error.description()))});
        return document;
    }
    Flattener(flaws).table(root, {}, {document.entries, document.sections, &document.tables});
    std::ranges::stable_sort(document.entries, {}, &TomlEntry::line);
    std::ranges::stable_sort(document.sections, {}, &TomlSection::line);
    return document;
}

Result<TomlDocument> parseToml(std::string_view text, const std::string &source)
{
    std::vector<TomlFlaw> flaws;
    TomlDocument document = parseToml(text, flaws);
    if (flaws.empty())
        return document;
    const TomlFlaw &first = flaws.front();
    if (first.line == 0)
        return failure(ErrorKind::Invalid, source + " is " + first.why);
    return failure(ErrorKind::Invalid, source + ':' + std::to_string(first.line) + ": " +
                                           (first.key.empty() ? "" : visible(first.key) + ": ") + first.why);
}

} // namespace portolan

// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/toml_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

namespace portolan {

namespace {

constexpr std::size_t largestFile = 1024 * 1024;

Error at(const std::string &source, unsigned line, const std::string &why)
{
    return failure(ErrorKind::Invalid, source + ':' + std::to_string(line) + ": " + why);
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

/// Walks the tree. Fails on the first value no key can take.
class Flattener final
{
public:
    Flattener(const std::string &source, TomlDocument &document) : m_source(source), m_document(document) {}

    Result<void> table(const toml::table &table, const std::string &prefix, std::vector<TomlEntry> &into, bool nested)
    {
        for (const auto &[name, node] : table) {
            const std::string key = prefix.empty() ? std::string(name.str()) : prefix + '.' + std::string(name.str());
            if (const auto done = value(node, key, into, nested); done.has_error())
                return done;
        }
        return {};
    }

private:
    Result<void> value(const toml::node &node, const std::string &key, std::vector<TomlEntry> &into, bool nested)
    {
        const unsigned line = node.source().begin.line;
        if (const auto *inner = node.as_table())
            return table(*inner, key, into, nested);
        if (const auto text = scalar(node)) {
            into.push_back({key, *text, line});
            return {};
        }
        const auto *items = node.as_array();
        if (!items)
            return at(m_source, line, key + ": dates are not used here; write a string");
        if (!items->empty() && items->is_array_of_tables()) {
            if (nested)
                return at(m_source, line, key + ": an array of tables within another is not used here");
            return tables(*items, key);
        }
        std::string joined;
        for (const auto &item : *items) {
            const auto text = scalar(item);
            if (!text)
                return at(m_source, line, key + ": the array may hold plain values only");
            joined.append(joined.empty() ? "" : ",").append(*text);
        }
        into.push_back({key, joined, line});
        return {};
    }

    Result<void> tables(const toml::array &items, const std::string &key)
    {
        for (const auto &item : items) {
            TomlTable made{key, item.source().begin.line, {}};
            if (const auto done = table(*item.as_table(), {}, made.entries, true); done.has_error())
                return done;
            m_document.tables.push_back(std::move(made));
        }
        return {};
    }

    const std::string &m_source;
    TomlDocument &m_document;
};

} // namespace

Result<TomlDocument> parseToml(std::string_view text, const std::string &source)
{
    if (text.size() > largestFile)
        return failure(ErrorKind::Invalid, source + " is larger than 1 MB");
    toml::table root;
    try {
        root = toml::parse(text); // the distribution builds the library with exceptions
    } catch (const toml::parse_error &error) {
        return at(source, error.source().begin.line, std::string(error.description()));
    }
    TomlDocument document;
    Flattener flattener(source, document);
    if (const auto done = flattener.table(root, {}, document.entries, false); done.has_error())
        return done.error();
    std::ranges::stable_sort(document.entries, {}, &TomlEntry::line);
    return document;
}

} // namespace portolan

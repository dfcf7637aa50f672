// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/market/price_layout.h"

#include "core/base/utf8.h"
#include "core/market/price_fields.h"
#include "core/market/quotes.h"

#include <algorithm>
#include <array>

namespace portolan::market {

namespace {

constexpr std::size_t headerRows = 5; ///< a header may span, yfinance's takes three
constexpr std::size_t mostSecurities = 10'000;
constexpr std::size_t namedSecurities = 5; ///< in a message

constexpr std::array<std::string_view, 5> dateNames{"date", "datetime", "timestamp", "time", "day"};

/// "<CLOSE>" of Stooq and MetaTrader and the "Close.1" that pandas makes of a second "Close" are "close".
std::string nameOf(std::string_view text)
{
    std::string name = trimmedLower(text);
    if (name.size() > 2 && name.front() == '<' && name.back() == '>')
        name = name.substr(1, name.size() - 2);
    const auto end = name.find_last_not_of("0123456789");
    if (end != name.npos && end > 0 && end + 1 < name.size() && name[end] == '.')
        name.erase(end);
    return name;
}

std::string upper(std::string_view text)
{
    std::string letters(text);
    for (char &c : letters)
        c = c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : c;
    return letters;
}

/// Whether a name of a source is this symbol with what marks its exchange or class: "AAPL.US", "^GSPC", "BRK-B".
bool resembles(std::string_view name, std::string_view symbol)
{
    const std::string wide = upper(name);
    std::string letters, first;
    bool ended = false;
    for (const char c : wide) {
        const bool letter = c >= 'A' && c <= 'Z';
        letters += letter ? std::string(1, c) : std::string();
        ended = ended || (!letter && !first.empty());
        if (letter && !ended)
            first += c;
    }
    return letters == symbol || first == symbol;
}

std::string listed(const std::set<std::string> &names)
{
    std::string text;
    std::size_t count = 0;
    for (const std::string &name : names) {
        if (++count > namedSecurities)
            return text + ", …";
        text += (text.empty() ? "" : ", ") + toUtf8(cutText(name, 16));
    }
    return text;
}

} // namespace

bool PriceHeader::take(const Fields &row)
{
    static constexpr std::array<std::string_view, 4> beginnings{"ticker", "tickers", "symbol", "price"};
    const std::string first = row.empty() ? std::string() : nameOf(row.front());
    const bool digits = std::ranges::any_of(
        row, [](const std::string &field) { return field.find_first_of("0123456789") != field.npos; });
    const bool begins = std::ranges::find(beginnings, first) != beginnings.end() ||
                        std::ranges::find(dateNames, first) != dateNames.end();
    if (!m_rows.empty() && (m_rows.size() >= headerRows || (digits && !begins)))
        return false;
    m_rows.push_back(row);
    return true;
}

std::vector<std::size_t> PriceHeader::allNamed(std::initializer_list<std::string_view> names) const
{
    std::vector<std::size_t> columns;
    for (const std::string_view name : names) {
        for (std::size_t i = 0; i < m_names.size(); ++i)
            if (m_names[i] == name)
                columns.push_back(i);
        if (!columns.empty())
            break; // the earlier name counts
    }
    return columns;
}

/// What the header's other rows say above or below a column: whose it is.
std::string PriceHeader::securityOf(std::size_t column) const
{
    for (std::size_t i = 0; i < m_rows.size(); ++i)
        if (i != m_namesRow && column < m_rows[i].size() && !m_rows[i][column].empty())
            return m_rows[i][column];
    return {};
}

bool PriceHeader::refuse(std::string why)
{
    m_refusal = std::move(why);
    return false;
}

/// The one that is the symbol; of others the one that resembles it, or the only one if it is no symbol itself.
std::optional<std::string> PriceHeader::chooseSecurity(const std::set<std::string> &names)
{
    if (names.empty())
        return std::string();
    if (m_symbol.empty() && names.size() == 1)
        return *names.begin();
    std::vector<std::string> alike;
    for (const std::string &name : names) {
        if (upper(name) == m_symbol)
            return name;
        if (!m_symbol.empty() && resembles(name, m_symbol))
            alike.push_back(name);
    }
    if (alike.size() == 1)
        return alike.front();
    if (alike.empty() && names.size() == 1 && !isSymbol(*names.begin()))
        return *names.begin();
    refuse("it holds prices of " + listed(names) +
           (m_symbol.empty()   ? ", and not of one only"
            : alike.size() > 1 ? ", of which several may be " + m_symbol
                               : ", not of " + m_symbol));
    return std::nullopt;
}

/// Among columns of one name the one of the security. An only one that is marked for another is none.
bool PriceHeader::choose(std::optional<std::size_t> &to, const char *what,
                         std::initializer_list<std::string_view> names, const std::optional<std::string> &security)
{
    std::vector<std::size_t> found = allNamed(names);
    std::erase_if(found, [&](std::size_t column) {
        const std::string of = securityOf(column);
        return security && !security->empty() && !of.empty() && of != *security;
    });
    if (found.size() > 1)
        return refuse("it has several columns named " + std::string(what) + ", and nothing tells which one is meant");
    if (!found.empty())
        to = found.front();
    return true;
}

bool PriceHeader::find()
{
    for (std::size_t row = 0; row < m_rows.size(); ++row) {
        m_names.clear();
        std::ranges::transform(m_rows[row], std::back_inserter(m_names), nameOf);
        m_namesRow = row;
        if (!allNamed({"close", "close/last", "last", "adj close"}).empty())
            break;
    }
    const auto missing = [this] { return refuse("the first row must name the columns, among them date and close"); };
    const auto closes = allNamed({"close", "close/last", "last", "adj close"});
    if (closes.empty())
        return missing();
    m_columns.count = m_names.size();
    for (const std::string_view name : dateNames)
        if (const auto at = std::ranges::find(m_names, name); at != m_names.end()) {
            if (!m_columns.date)
                m_columns.date = std::size_t(at - m_names.begin());
            else if (name == "time")
                m_columns.time = std::size_t(at - m_names.begin());
        }
    const bool index =
        m_names.front().empty() || m_names.front() == "price" || std::ranges::any_of(m_rows, [](const Fields &row) {
            return !row.empty() && std::ranges::find(dateNames, nameOf(row.front())) != dateNames.end();
        });
    if (!m_columns.date && index)
        m_columns.date = 0;
    if (!m_columns.date)
        return missing();

    std::set<std::string> securities;
    for (const std::size_t column : closes)
        if (std::string security = securityOf(column); !security.empty())
            securities.insert(std::move(security));
    const auto security = chooseSecurity(securities);
    if (!security)
        return false;
    for (const std::string_view name : {"ticker", "symbol", "name"})
        if (const auto at = std::ranges::find(m_names, name); at != m_names.end() && !m_columns.security)
            m_columns.security = std::size_t(at - m_names.begin());
    if (m_columns.security == m_columns.date)
        m_columns.security.reset();
    return choose(m_columns.close, "close", {"close", "close/last", "last", "adj close"}, security) &&
           choose(m_columns.open, "open", {"open"}, security) && choose(m_columns.high, "high", {"high"}, security) &&
           choose(m_columns.low, "low", {"low"}, security) &&
           choose(m_columns.volume, "volume", {"volume", "vol", "vol."}, security);
}

void PriceHeader::observeSecurity(std::string_view name)
{
    if (!name.empty() && m_securities.size() < mostSecurities)
        m_securities.insert(std::string(name));
}

bool PriceHeader::chooseRows()
{
    const auto chosen = chooseSecurity(m_securities);
    if (!chosen)
        return false;
    if (m_securities.size() > 1)
        m_chosen = chosen;
    return true;
}

} // namespace portolan::market

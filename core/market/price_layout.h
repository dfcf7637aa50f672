// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

/// Where a price file says what: which of its first rows are its header, and which of its columns and rows are of the
/// security that is asked for.
namespace portolan::market {

using Fields = std::vector<std::string>;

/// Where each figure stands; nothing: nowhere.
struct Columns
{
    std::optional<std::size_t> date, time, open, high, low, close, volume;
    std::size_t count = 0; ///< of fields in the header
    /// The one that names each row's security.
    std::optional<std::size_t> security;
};

/// Takes the rows from the first on, while take() says that they belong to the header; then columns().
class PriceHeader final
{
public:
    /// `symbol`: whose prices are wanted; empty: of the only one there is.
    explicit PriceHeader(std::string_view symbol) : m_symbol(symbol) {}

    /// Whether this row, which is not empty, is one of the header's. The first one always is; a further one has no
    /// number in it, or begins as header rows do.
    bool take(const Fields &row);
    /// Finds the columns; false: refusal() says why there are none.
    bool find();
    const Columns &columns() const { return m_columns; }

    /// Shown each row's `security`, in the first pass over the rows; then chooseRows().
    void observeSecurity(std::string_view name);
    bool chooseRows();
    /// Whether a row with this in its `security` is wanted.
    bool wants(std::string_view name) const { return !m_chosen || *m_chosen == name; }

    const std::string &refusal() const { return m_refusal; }

private:
    std::vector<std::size_t> allNamed(std::initializer_list<std::string_view> names) const;
    std::string securityOf(std::size_t column) const;
    bool choose(std::optional<std::size_t> &to, const char *what, std::initializer_list<std::string_view> names,
                const std::optional<std::string> &security);
    std::optional<std::string> chooseSecurity(const std::set<std::string> &names);
    bool refuse(std::string why);

    std::string m_symbol;
    std::vector<Fields> m_rows; ///< of the header, trimmed
    Fields m_names;             ///< the one that names the figures, in small letters
    std::size_t m_namesRow = 0;
    Columns m_columns;
    std::set<std::string> m_securities;
    std::optional<std::string> m_chosen;
    std::string m_refusal;
};

} // namespace portolan::market

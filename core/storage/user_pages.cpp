// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/storage/user_pages.h"

#include "core/storage/cursor.h"
#include "core/storage/users_table.h"

#include <cstdlib>

namespace portolan::storage {
namespace {

std::string likeAnywhere(std::string_view text)
{
    std::string pattern = "%";
    for (const char c : text) {
        if (c == '%' || c == '_' || c == '!')
            pattern += '!';
        pattern += c;
    }
    return pattern + '%';
}

/// Conditions with their values, in order.
struct Conditions
{
    std::string text = "1 = 1";
    Values values;
    void add(std::string_view condition, Value value)
    {
        text.append(" AND ").append(condition);
        values.push_back(std::move(value));
    }
};

/// The order of a page: by a column, and by id where that leaves it open. Each has an index.
struct Order
{
    UserOrder by = UserOrder::Created;
    bool ascending = false;

    std::string_view column() const
    {
        switch (by) {
        case UserOrder::Address:
            return "email";
        case UserOrder::Role:
            return "role";
        case UserOrder::State:
            return "disabled";
        case UserOrder::LastSignIn:
            return "COALESCE(last_sign_in, 0)"; // who never came before everybody
        case UserOrder::Created:
            break;
        }
        return "id";
    }
    /// Whether the column alone says where a user stands.
    bool unique() const { return by == UserOrder::Created || by == UserOrder::Address; }
    std::string keys() const { return unique() ? std::string(column()) : std::string(column()) + ", id"; }
    std::string sorted() const
    {
        const std::string direction = ascending ? " ASC" : " DESC";
        return " ORDER BY " + std::string(column()) + direction + (unique() ? "" : ", id" + direction);
    }
    /// Of users behind this place, or, with `included`, up to it.
    std::string beyond() const { return compared(ascending ? " > " : " < "); }
    std::string within() const { return compared(ascending ? " <= " : " >= "); }
    char kind() const { return char((ascending ? 'a' : 'A') + int(by)); }

private:
    std::string compared(std::string_view how) const
    {
        const std::string right = unique() ? "?" : "(?, ?)";
        return (unique() ? keys() : "(" + keys() + ")") + std::string(how) + right;
    }
};

/// Where a user stands in an order: the column's value, and the id unless it is unique.
struct Place
{
    Value key;
    std::optional<Value> id;

    static Place of(const Order &order, const Row &row)
    {
        Place place{order.by == UserOrder::Address ? Value(row.text(0)) : Value(row.integer(0)), std::nullopt};
        if (!order.unique())
            place.id = Value(row.integer(1));
        return place;
    }
    static Place of(const Order &order, const User &user)
    {
        Place place{toValue(user.id), std::nullopt};
        switch (order.by) {
        case UserOrder::Address:
            place.key = Value(user.email);
            break;
        case UserOrder::Role:
            place.key = toValue(user.role);
            break;
        case UserOrder::State:
            place.key = toValue(user.disabled);
            break;
        case UserOrder::LastSignIn:
            place.key = toValue(user.lastSignIn.value_or(WallTime{}));
            break;
        case UserOrder::Created:
            break;
        }
        if (!order.unique())
            place.id = toValue(user.id);
        return place;
    }
    std::string cursor(const Order &order) const
    {
        if (const auto *email = std::get_if<std::string>(&key))
            return formatCursor({order.kind(), 0, *email});
        const auto number = [](const Value &value) {
            return static_cast<std::uint64_t>(std::get<std::int64_t>(value));
        };
        return formatCursor({order.kind(), number(key), id ? std::to_string(number(*id)) : std::string()});
    }
    static Result<Place> of(const Order &order, std::string_view text)
    {
        const auto cursor = parseCursor(text, order.kind());
        if (cursor.has_error())
            return cursor.error();
        if (order.by == UserOrder::Address)
            return Place{Value(cursor->text), std::nullopt};
        Place place{toValue(cursor->number), std::nullopt};
        if (!order.unique())
            place.id = toValue(static_cast<std::uint64_t>(std::strtoull(cursor->text.c_str(), nullptr, 10)));
        return place;
    }
};

void addPlace(Conditions &conditions, std::string_view condition, Place place)
{
    conditions.add(condition, std::move(place.key));
    if (place.id)
        conditions.values.push_back(std::move(*place.id));
}

Result<Conditions> rangeOf(const UserQuery &query, const std::string &search, bool prefix, const Order &order)
{
    Conditions range;
    if (prefix) {
        range.add("email >= ?", search);
        range.add("email < ?", search + "\xF4\x8F\xBF\xBF"); // U+10FFFF sorts behind every character
    }
    if (!query.cursor.empty()) {
        auto place = Place::of(order, query.cursor);
        if (place.has_error())
            return place.error();
        addPlace(range, order.beyond(), std::move(*place));
    }
    return range;
}

/// How far a page may look: the place of the scanBound-th user of the range, or nothing if there are fewer.
Result<std::optional<Place>> scanEnd(DatabaseConnection &connection, const Conditions &range, const Order &order)
{
    return selectOne(connection,
                     "SELECT " + order.keys() + " FROM users WHERE " + range.text + order.sorted() +
                         " LIMIT 1 OFFSET " + std::to_string(UsersStore::scanBound - 1),
                     range.values, [&](const Row &row) { return Place::of(order, row); });
}

} // namespace

Result<UserPage> readUserPage(DatabaseConnection &connection, const UserQuery &query)
{
    if (auto limit = checkLimit(query.limit, UsersStore::maxPage); limit.has_error())
        return limit.error();
    const std::string search = foldEmailSearch(query.search);
    const bool prefix = query.match == TextMatch::Prefix && !search.empty();
    const bool contains = !search.empty() && !prefix;
    const Order usual{prefix ? UserOrder::Address : UserOrder::Created, prefix};
    const Order order = query.order ? Order{*query.order, query.ascending} : usual;
    auto range = rangeOf(query, search, prefix, order);
    if (range.has_error())
        return range.error();

    // One filter alone has an index of its own in the order of ids; everything else looks at users one by one.
    const int filters = query.role.has_value() + query.disabled.has_value();
    const bool byId = order.by == UserOrder::Created;
    const bool scans = contains || filters > 1 || (filters == 1 && !byId) || (prefix && order.by != UserOrder::Address);
    std::optional<Place> end;
    if (scans) {
        auto bound = scanEnd(connection, *range, order);
        if (bound.has_error())
            return bound.error();
        end = std::move(*bound);
        if (end)
            addPlace(*range, order.within(), *end);
    }
    if (contains)
        range->add("email LIKE ? ESCAPE '!'", likeAnywhere(search));
    if (query.role)
        range->add("role = ?", toValue(*query.role));
    if (query.disabled)
        range->add("disabled = ?", toValue(*query.disabled));

    range->values.push_back(std::int64_t{query.limit} + 1);
    // The inner select is answered by an index alone; whole rows are only read for what the page shows.
    auto rows = select(connection,
                       users.select("WHERE id IN (SELECT id FROM users WHERE " + range->text + order.sorted() +
                                    " LIMIT ?)" + order.sorted()),
                       range->values, readUser);
    if (rows.has_error())
        return rows.error();
    UserPage page;
    const bool more = rows->size() > query.limit;
    if (more)
        rows->resize(query.limit);
    page.items.assign(rows->begin(), rows->end());
    if (more)
        page.nextCursor = Place::of(order, page.items.back()).cursor(order);
    else if (end)
        page.nextCursor = end->cursor(order);
    return page;
}

} // namespace portolan::storage

// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/json_members.h"

#include "core/base/json_pointer.h"

#include <boost/json/basic_parser_impl.hpp>

#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace portolan {

namespace {

namespace json = boost::json;

/// Keeps the names of the objects that are open, unescaped, and stops at one that is there already.
class MemberNames final
{
public:
    static constexpr std::size_t max_object_size = std::numeric_limits<std::size_t>::max();
    static constexpr std::size_t max_array_size = max_object_size;
    static constexpr std::size_t max_key_size = max_object_size;
    static constexpr std::size_t max_string_size = max_object_size;

    const std::optional<FieldError> &repeated() const { return m_repeated; }

    bool on_document_begin(json::error_code &) { return true; }
    bool on_document_end(json::error_code &) { return true; }
    bool on_object_begin(json::error_code &)
    {
        begin(true);
        return true;
    }
    bool on_object_end(std::size_t, json::error_code &)
    {
        m_open.pop_back();
        return true;
    }
    bool on_array_begin(json::error_code &)
    {
        begin(false);
        return true;
    }
    bool on_array_end(std::size_t, json::error_code &)
    {
        m_open.pop_back();
        return true;
    }
    bool on_key_part(json::string_view part, std::size_t, json::error_code &)
    {
        m_name.append(part.data(), part.size());
        return true;
    }
    bool on_key(json::string_view part, std::size_t, json::error_code &error)
    {
        m_name.append(part.data(), part.size());
        Open &object = m_open.back();
        object.member = std::exchange(m_name, {});
        if (object.members.insert(object.member).second)
            return true;
        m_repeated = FieldError{pointer(), "is there more than once"};
        error = json::error::syntax;
        return false;
    }
    bool on_string_part(json::string_view, std::size_t, json::error_code &) { return true; }
    bool on_string(json::string_view, std::size_t, json::error_code &) { return item(); }
    bool on_number_part(json::string_view, json::error_code &) { return true; }
    bool on_int64(std::int64_t, json::string_view, json::error_code &) { return item(); }
    bool on_uint64(std::uint64_t, json::string_view, json::error_code &) { return item(); }
    bool on_double(double, json::string_view, json::error_code &) { return item(); }
    bool on_bool(bool, json::error_code &) { return item(); }
    bool on_null(json::error_code &) { return item(); }
    bool on_comment_part(json::string_view, json::error_code &) { return true; }
    bool on_comment(json::string_view, json::error_code &) { return true; }

private:
    struct Open
    {
        bool isObject;
        std::set<std::string> members = {};
        std::string member = {}; ///< whose value is being read
        std::size_t items = 0;   ///< of an array, that have begun
    };

    void begin(bool isObject)
    {
        item();
        m_open.push_back({isObject});
    }

    bool item()
    {
        if (!m_open.empty())
            ++m_open.back().items;
        return true;
    }

    std::string pointer() const
    {
        std::string pointer;
        for (const Open &open : m_open)
            appendPointerStep(pointer, open.isObject ? open.member : std::to_string(open.items - 1));
        return pointer;
    }

    std::vector<Open> m_open;
    std::string m_name; ///< what has come of it
    std::optional<FieldError> m_repeated;
};

} // namespace

std::optional<FieldError> repeatedMember(std::string_view text, std::size_t depth)
{
    json::parse_options options;
    options.max_depth = depth;
    json::basic_parser<MemberNames> parser(options);
    json::error_code error;
    parser.write_some(false, text.data(), text.size(), error);
    return parser.handler().repeated();
}

} // namespace portolan

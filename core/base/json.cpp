// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/json.h"

#include "core/base/ids.h"
#include "core/base/json_members.h"
#include "core/base/json_numbers.h"
#include "core/base/json_pointer.h"
#include "core/base/utf8.h"

#include <boost/json/parser.hpp>

#include <charconv>

namespace portolan {

void FieldErrors::add(std::string pointer, std::string detail)
{
    if (!full())
        m_errors.push_back({std::move(pointer), std::move(detail)});
}

Error FieldErrors::error() const
{
    const auto &first = m_errors.front();
    std::string message =
        m_errors.size() == 1 ? "The input is wrong" : std::to_string(m_errors.size()) + " fields are wrong";
    message += ": " + (first.pointer.empty() ? std::string("the document") : first.pointer) + ' ' + first.detail;
    if (m_errors.size() > 1)
        message += ", …";
    return Error{ErrorKind::Invalid, {}, std::move(message), {}, m_errors};
}

namespace {

constexpr std::string_view gzipMagic = "\x1f\x8b"; // RFC 1952, section 2.3.1
constexpr const char *utf8Hint = "Save or send it as UTF-8.";

/// JSON begins with an ASCII character, so zeros beside it, or a byte order mark, tell of wide characters.
bool isWide(std::string_view text)
{
    return text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff") ||
           text.substr(0, 4).find('\0') != std::string_view::npos;
}

} // namespace

Result<boost::json::value> parseJson(std::string_view text, const JsonLimits &limits)
{
    constexpr std::string_view byteOrderMark = "\xef\xbb\xbf"; // RFC 8259, section 8.1: may be ignored
    if (text.starts_with(byteOrderMark))
        text.remove_prefix(byteOrderMark.size());
    boost::json::parse_options options;
    options.max_depth = limits.depth;
    boost::json::parser parser({}, options);
    boost::system::error_code error;
    const std::size_t read = parser.write_some(text.data(), text.size(), error);
    if (error == boost::json::error::too_deep)
        return failure(ErrorKind::Invalid,
                       "The JSON is nested deeper than " + std::to_string(limits.depth) + " levels");
    if (error == boost::json::error::incomplete && isUtf8(text))
        return failure(ErrorKind::Invalid, text.empty() ? "The JSON text is empty" : "The JSON ends too early");
    if (!error && text.find_first_not_of(" \t\r\n", read) != std::string_view::npos)
        error = boost::json::error::extra_data;
    if (error && text.starts_with(gzipMagic))
        return failure(ErrorKind::Invalid, "The body must be JSON; this is compressed with gzip",
                       "Send it uncompressed.");
    if (error && isWide(text))
        return failure(ErrorKind::Invalid, "The body must be UTF-8; this looks like UTF-16 or UTF-32", utf8Hint);
    if (const auto good = error ? utf8Prefix(text) : text.size(); good < text.size())
        return failure(ErrorKind::Invalid, "The body must be UTF-8; byte " + std::to_string(good) + " is not",
                       utf8Hint);
    if (error)
        return failure(ErrorKind::Invalid,
                       "This is not JSON: " + error.message() + " near byte " + std::to_string(read));
    if (auto twice = repeatedMember(text, limits.depth)) {
        FieldErrors errors;
        errors.add(std::move(twice->pointer), std::move(twice->detail));
        return errors.error();
    }
    boost::json::value value = parser.release();
    if (auto pointer = notFiniteAt(value)) {
        FieldErrors errors;
        errors.add(std::move(*pointer), "is too large a number");
        return errors.error();
    }
    return value;
}

namespace detail {

boost::json::value jsonOfNumber(double number)
{
    if (!std::isfinite(number))
        return nullptr;
    return number;
}

boost::json::value jsonOfSeconds(double seconds)
{
    // 2^53: beyond it a double has no fraction to lose and no exact integer to keep.
    if (std::abs(seconds) < 9e15 && seconds == std::trunc(seconds))
        return std::int64_t(seconds);
    return jsonOfNumber(seconds);
}

JsonReader::Step::Step(JsonReader &reader, std::string_view member) : m_reader(reader), m_size(reader.m_pointer.size())
{
    appendPointerStep(reader.m_pointer, member);
}

JsonReader::Step::Step(JsonReader &reader, std::size_t index) : m_reader(reader), m_size(reader.m_pointer.size())
{
    reader.m_pointer += '/' + std::to_string(index);
}

const boost::json::object *JsonReader::object(const boost::json::value &from)
{
    const auto *members = from.if_object();
    if (!members)
        fail("must be an object");
    return members;
}

const boost::json::array *JsonReader::array(const boost::json::value &from)
{
    const auto *items = from.if_array();
    if (!items)
        fail("must be an array");
    else if (items->size() > m_limits.items)
        fail("has more than " + std::to_string(m_limits.items) + " items");
    else
        return items;
    return nullptr;
}

bool JsonReader::within(const boost::json::value &passedThrough)
{
    if (const auto *string = passedThrough.if_string(); string && string->size() > m_limits.string) {
        fail("is longer than " + std::to_string(m_limits.string) + " bytes");
        return false;
    }
    if (const auto *items = passedThrough.if_array()) {
        if (!array(passedThrough))
            return false;
        for (std::size_t i = 0; i < items->size(); ++i) {
            const Step step(*this, i);
            if (!within((*items)[i]))
                return false;
        }
    }
    if (const auto *members = passedThrough.if_object()) {
        if (members->size() > m_limits.items) {
            fail("has more than " + std::to_string(m_limits.items) + " members");
            return false;
        }
        for (const auto &member : *members) {
            const Step step(*this, member.key());
            if (!within(member.value()))
                return false;
        }
    }
    return true;
}

bool JsonReader::text(const boost::json::value &from, std::string_view &to)
{
    const auto *string = from.if_string();
    if (!string)
        fail("must be a string");
    else if (string->size() > m_limits.string)
        fail("is longer than " + std::to_string(m_limits.string) + " bytes");
    else if (std::string_view(*string).find('\0') != std::string_view::npos)
        fail("must not hold a NUL character"); // which PostgreSQL cannot store
    else {
        to = std::string_view(*string);
        return true;
    }
    return false;
}

bool JsonReader::number(const boost::json::value &from, double &to)
{
    boost::system::error_code error;
    to = from.is_number() ? from.to_number<double>(error) : 0;
    if (!from.is_number() || error || !std::isfinite(to)) {
        fail("must be a number");
        return false;
    }
    return true;
}

namespace {

std::string rangeText(const std::string &least, const std::string &most)
{
    return "must be an integer from " + least + " to " + most;
}

template <class T> bool digits(const boost::json::value &from, T &to)
{
    const auto *string = from.if_string();
    if (!string || string->empty())
        return false;
    const char *end = string->data() + string->size();
    const auto parsed = std::from_chars(string->data(), end, to);
    return parsed.ec == std::errc() && parsed.ptr == end && std::to_string(to) == std::string_view(*string);
}

/// A double in the JSON text, 1.0 or 1e3, counts as an integer when it is one.
template <class T> bool integral(const boost::json::value &from, T &to)
{
    boost::system::error_code error;
    if (!from.is_number())
        return false;
    if (const auto *number = from.if_double(); number && (std::abs(*number) >= 9e15 || *number != std::trunc(*number)))
        return false;
    to = from.to_number<T>(error);
    return !error;
}

} // namespace

bool JsonReader::signedInteger(const boost::json::value &from, bool isId, std::int64_t least, std::int64_t most,
                               std::int64_t &to)
{
    if (isId ? !digits(from, to) : !integral(from, to)) {
        fail(isId ? "must be a string of digits" : rangeText(std::to_string(least), std::to_string(most)));
        return false;
    }
    if (to < least || to > most) {
        fail(rangeText(std::to_string(least), std::to_string(most)));
        return false;
    }
    return true;
}

bool JsonReader::unsignedInteger(const boost::json::value &from, bool isId, std::uint64_t most, std::uint64_t &to)
{
    if (isId ? !digits(from, to) : !integral(from, to)) {
        fail(isId ? "must be a string of digits" : rangeText("0", std::to_string(most)));
        return false;
    }
    if (to > most) {
        fail(rangeText("0", std::to_string(most)));
        return false;
    }
    return true;
}

void JsonReader::time(const boost::json::value &from, WallTime &to)
{
    std::string_view string;
    if (!text(from, string))
        return;
    if (const auto parsed = parseTime(string))
        to = *parsed;
    else
        fail("must be a time such as 2026-01-01T00:00:00Z");
}

bool JsonReader::seconds(const boost::json::value &from, double most, double &to)
{
    boost::system::error_code error;
    to = from.is_number() ? from.to_number<double>(error) : 0;
    if (from.is_number() && !error && std::abs(to) <= most)
        return true;
    fail("must be a number of seconds");
    return false;
}

void JsonReader::unknown(std::string_view member)
{
    const Step step(*this, member);
    fail("is not known");
}

void JsonReader::missing(std::string_view member)
{
    const Step step(*this, member);
    fail("is required");
}

void JsonReader::notOneOf(const std::vector<std::string_view> &names)
{
    std::string detail = "must be one of ";
    for (std::size_t i = 0; i < names.size(); ++i)
        detail.append(i ? ", " : "").append(names[i]);
    fail(std::move(detail));
}

void JsonReader::endWords()
{
    if (!m_unknownWord)
        return;
    m_pointer = std::move(*m_unknownWord);
    fail("is a word that this version does not know");
}

} // namespace detail

} // namespace portolan

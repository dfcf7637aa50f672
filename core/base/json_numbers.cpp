// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/json_numbers.h"

#include "core/base/json_pointer.h"
#include "core/base/utf8.h"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cmath>

namespace portolan {

namespace json = boost::json;

namespace {

constexpr std::size_t longestPointer = 256;

void prepend(std::string &pointer, std::string_view name)
{
    std::string step;
    appendPointerStep(step, name);
    pointer.insert(0, step);
}

/// `pointer` is put together from its end, on the way back.
bool find(const json::value &value, std::string &pointer)
{
    if (const double *number = value.if_double())
        return !std::isfinite(*number);
    if (const json::array *items = value.if_array()) {
        for (std::size_t i = 0; i < items->size(); ++i) {
            if (find((*items)[i], pointer)) {
                prepend(pointer, std::to_string(i));
                return true;
            }
        }
    } else if (const json::object *members = value.if_object()) {
        for (const auto &member : *members) {
            if (find(member.value(), pointer)) {
                prepend(pointer, member.key());
                return true;
            }
        }
    }
    return false;
}

void mend(json::value &value)
{
    if (const double *number = value.if_double(); number && !std::isfinite(*number)) {
        value = nullptr;
    } else if (json::array *items = value.if_array()) {
        std::ranges::for_each(*items, mend);
    } else if (json::object *members = value.if_object()) {
        for (auto &member : *members)
            mend(member.value());
    }
}

} // namespace

bool isFinite(const json::value &value)
{
    if (const double *number = value.if_double())
        return std::isfinite(*number);
    if (const json::array *items = value.if_array())
        return std::ranges::all_of(*items, isFinite);
    if (const json::object *members = value.if_object())
        return std::ranges::all_of(*members, [](const auto &member) { return isFinite(member.value()); });
    return true;
}

std::optional<std::string> notFiniteAt(const json::value &value)
{
    std::string pointer;
    if (!find(value, pointer))
        return std::nullopt;
    return std::string(cutText(pointer, longestPointer));
}

std::string jsonText(const json::value &value)
{
    if (isFinite(value))
        return json::serialize(value);
    json::value mended = value;
    mend(mended);
    return json::serialize(mended);
}

} // namespace portolan

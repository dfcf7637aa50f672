// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/json.h"

namespace portolan {

/// As toJson(), for whoever asks: members that may be absent (json.h) are left out where they have their default. What
/// reads requests is strict, so a reader of an older version refuses a member it does not know; this way it meets one
/// only where it would have to do something it cannot.
template <detail::DescribedStruct T> boost::json::object requestJson(const T &value)
{
    const T defaults{};
    boost::json::object object;
    boost::mp11::mp_for_each<detail::AllMembers<T>>([&]<class D>(D) {
        if constexpr (detail::mayBeAbsent<T, D>())
            if (value.*D::pointer == defaults.*D::pointer)
                return;
        object.emplace(boost::json::string_view(detail::SplitName<D, '_'>::value),
                       detail::toJson(value.*D::pointer, detail::isIdMember(D::name)));
    });
    return object;
}

} // namespace portolan

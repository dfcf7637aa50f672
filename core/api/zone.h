// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/describe/enum.hpp>

#include <cstdint>

namespace portolan {

/// How close a resource is to its limit. Unknown is not green: nothing, or not enough, was measured.
enum class Zone : std::uint8_t { Unknown, Green, Yellow, Red };
BOOST_DESCRIBE_ENUM(Zone, Unknown, Green, Yellow, Red)

} // namespace portolan

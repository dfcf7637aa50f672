// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/http/message.h"

#include <cstdint>

namespace portolan::portal {

/// The query parameter `limit` of a list: absent → `fallback`; Invalid (with the field) unless 1 … `most`.
Result<std::uint32_t> pageLimit(const http::Request &request, std::uint32_t fallback, std::uint32_t most);

} // namespace portolan::portal

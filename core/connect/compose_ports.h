// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/connect/compose_file.h"

#include <optional>
#include <string_view>

/// `ports` of a compose service.
namespace portolan::connect {

/// "6379", "6379:6379", "127.0.0.1:6379:6379", "127.0.0.1::6379", "[::1]:6379:6379", "7000-7005:7000-7005/tcp".
/// Without an error and without a port: one of UDP.
Result<std::optional<PublishedPort>> readShortPort(std::string_view text);

/// One of the ports in `published` and `target` of the long form; `published` may be empty, or a range.
Result<PublishedPort> readLongPort(std::string_view address, std::string_view published, std::string_view target);

} // namespace portolan::connect

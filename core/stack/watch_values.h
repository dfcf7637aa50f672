// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/end_spec.h"
#include "core/api/result.h"
#include "core/redis/endpoint.h"
#include "core/stack/watch_file.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

/// How the values of a deployment's file are read. Each answers Invalid with what is wrong and the mend, and repeats
/// nothing that may be a secret.
namespace portolan::stack {

/// Text of at most `most` bytes that can be seen and is not empty.
Result<std::string> readText(std::string_view text, std::size_t most = 1024);
/// The path of a file or a folder, from `folder` on; answers it whole.
Result<std::string> readPath(std::string_view text, const std::filesystem::path &folder);
Result<bool> readFlag(std::string_view text);
Result<std::uint32_t> readCount(std::string_view text, std::uint32_t least, std::uint32_t most);
Result<std::chrono::milliseconds> readTime(std::string_view text, std::chrono::milliseconds least,
                                           std::chrono::milliseconds most);
Result<std::uint64_t> readBytes(std::string_view text, std::uint64_t most);

/// A name that becomes a program's argument or a resolver's question: 1 to 253 letters, digits, `.` `-` `_`, or an IP
/// address; never with a `-` at its beginning, where a program would take it for an option.
Result<void> checkHost(std::string_view host);
/// "host:port", an IPv6 address in brackets; `standard`: where no port is said (0: one must be).
Result<HostPort> readHostPort(std::string_view text, std::uint16_t standard);
/// "direct", "ssh:HOST", "socks5:HOST:PORT", "http:HOST:PORT". HOST of ssh may have a user before it.
Result<Reach> readReach(std::string_view text);
/// A SHA-256 of a certificate, 64 hexadecimal digits with or without colons; answers "AB:CD:…".
Result<std::string> readPin(std::string_view text);

/// A Redis URL without a password. `before`: what stands before the names of the keys beside it, as in "result_".
Result<redis::Endpoint> readRedisUrl(std::string_view text, std::string_view before = {});
/// An http or https URL without user information, fragment or a secret among its parameters.
Result<std::string> readHttpUrl(std::string_view text);
/// A postgresql URL without a password; answers it as it may be shown.
Result<std::string> readPostgresUrl(std::string_view text);

/// A name or a pattern, in which a colon is nothing of an address, as a listing may repeat it: masked where it is one
/// all the same.
std::string shownName(std::string_view text, std::size_t longest = 200);

/// The name of a deployment, which is also a folder's: 1 to 64 bytes without a slash or a dot at its beginning.
Result<std::string> readDeploymentName(std::string_view text);
Result<void> checkForeignQueue(std::string_view name);
/// Priority steps as kombu has them: from 0 up, at most 32 of at most 255.
Result<std::vector<std::uint32_t>> readSteps(const std::vector<std::string> &items);
/// The name of a series or a label of Prometheus.
Result<std::string> readSeriesName(std::string_view text);
/// Where a server listens: ADDR:PORT, an IPv6 address in brackets; port 0 is any free one.
Result<std::string> readListen(std::string_view text);

} // namespace portolan::stack

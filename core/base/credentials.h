// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/api/secret.h"
#include "core/base/asio.h"
#include "core/base/secret_ref.h"

#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// Secrets of a deployment's file: the file says where each is, this reads it when it is needed. What stands in a file
/// where a reference belongs is never repeated: it may be the secret.
namespace portolan {

class BlockingPool;

/// What a file writes: `keychain:NAME`, `env:NAME`, `file:PATH` (from `folder` on, the deployment file's own) or
/// `command:[PROGRAM, ARG, …]`, whose items may be in quotes, and must be where they hold a comma, a bracket or a
/// quote. Invalid, with the mend, for anything else: it is a secret in clear.
Result<SecretRef> parseSecretRef(std::string_view text, const std::filesystem::path &folder);

/// A program that prints a secret, and variables it sees beside PATH, HOME and LANG. Invalid: no program, one that is
/// neither a name nor a whole path, more than 64 arguments or one longer than 4 KB; a bad name of a variable.
Result<SecretRef> secretOfProgram(std::span<const std::string> arguments, std::span<const std::string> variables);

/// Whether a program may be started under this name: one of PATH, or a whole path.
Result<void> checkProgramName(std::string_view name);

/// As it is shown to people: "env:SHOP_PASSWORD", "file:/etc/shop/password", "command:pass". Without arguments.
std::string shown(const SecretRef &reference);

/// What secrets are read with.
struct SecretSources
{
    std::function<std::optional<std::string>(const std::string &)> environment{}; ///< of this process
    /// The console's; empty: there is none, as in portoland. Invalid or NotFound where it has no such entry.
    std::function<awaitable<Result<Secret>>(std::string name)> keychain{};
};

/// Reads it: the first line of a file, of what a program prints; 1 to 8192 bytes of text without control characters.
/// `blocking` reads files. No secret (kind None): an empty one.
///
/// NotFound `secret-missing`: no such entry, variable or file. Forbidden `secret-open`: a file that is open to others.
/// Protocol `secret-rubbish`: what is there can be no secret. What runProgram() fails with. Unsupported
/// `secret-keychain`: there is no keychain here.
awaitable<Result<Secret>> readSecret(SecretRef reference, SecretSources sources, BlockingPool &blocking);

/// Whether readSecret() has something to read, as far as can be told without reading it: no program is run. Blocks.
/// What keychains hold is not asked.
Result<void> checkSecret(const SecretRef &reference, const SecretSources &sources);

} // namespace portolan

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/base/asio.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

/// Programs that a deployment's file names: what prints a password, what reads or sets a size.
namespace portolan {

/// How long a program of a file may take, and how much it may print.
constexpr std::chrono::seconds programDeadline{30};
constexpr std::size_t mostProgramOutput = 1024 * 1024;

struct ProgramRequest
{
    /// The program, by its whole path or its name in PATH, and its arguments. No shell reads them.
    std::vector<std::string> arguments;
    std::vector<std::string> environment{}; ///< all it sees, each "NAME=value": programEnvironment()
    std::chrono::milliseconds deadline = programDeadline;
    std::size_t most = mostProgramOutput;
    std::chrono::milliseconds grace{2000}; ///< between SIGTERM and SIGKILL
};

/// PATH, HOME and LANG, and what else of ours is named. `variable` reads ours (nullopt: unset, and left out).
std::vector<std::string>
programEnvironment(const std::function<std::optional<std::string>(const std::string &)> &variable,
                   const std::vector<std::string> &named);

/// Runs it in `/` with nothing to read, and answers what it printed on standard output once it has ended with exit code
/// 0. It is a process group of its own, which is ended whole: when the program has ended, when its time is over, when
/// it prints too much, and when the caller goes away. What it says on standard error is only for the error's message:
/// its last line, without what looks like a secret; its arguments are never repeated.
///
/// Invalid `program-missing`: there is none of that name. Timeout `program-slow`. TooLarge `program-output`.
/// Unavailable `program-failed`: another exit code, a signal, or it could not be started. Starting it costs the calling
/// thread a fork; that thread must live as long as the program does.
awaitable<Result<std::string>> runProgram(ProgramRequest request);

} // namespace portolan

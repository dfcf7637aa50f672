// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/connector.h"
#include "core/connect/variables.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// Compose files (https://compose-spec.io), as far as they tell what runs, under which names, with which variables, and
/// which of its ports this machine has.
namespace portolan::connect {

/// A port that Docker passes on from a machine to a service. TCP.
struct PublishedPort
{
    std::string address;               ///< of the machine; empty: all of them
    std::optional<std::uint16_t> host; ///< the first; nullopt: Docker chooses one at each start
    std::uint16_t container = 0;       ///< the first
    std::uint16_t count = 1;           ///< of a range
    Place place;
};

struct ComposeService
{
    std::string name;
    Place place;
    std::string image;              ///< empty: it is built
    std::vector<std::string> names; ///< by which others of its network reach it, its own first
    Variables variables;            ///< of its env_file, and behind them of its environment
    std::vector<PublishedPort> ports;
    bool hostNetwork = false;    ///< it has the machine's own network
    std::vector<Secret> command; ///< words of its entrypoint and command
    Place commandPlace;
    std::vector<std::pair<std::string, std::string>> secrets; ///< file under /run/secrets, and the secret it is
    std::string health; ///< the URL its health check asks, without what may be secret; empty: none

    /// Where Docker publishes it; null: it does not.
    const PublishedPort *published(std::uint16_t port) const;
};

/// A secret of the file, which is in a file of its own.
struct ComposeSecret
{
    std::string name;
    std::filesystem::path file; ///< whole, where the compose file has a folder
    Place place;
};

struct ComposeReading
{
    std::string project; ///< what `name` or COMPOSE_PROJECT_NAME call it; empty: nothing does
    std::vector<ComposeService> services;
    std::vector<ComposeSecret> secrets;
    std::vector<Finding> findings; ///< NotRead, NotSet, LeftOut, ReadInTwoWays
    std::vector<Error> mistakes;   ///< Invalid `compose-file` or `env-file`, "file:line: what"
};

struct ComposeText
{
    std::string text;
    std::string source;           ///< as it is named in findings
    std::filesystem::path folder; ///< where it is; empty: it was pasted, and nothing is beside it
};

/// Reads what a compose file names, by its whole path. NotFound: it is not there.
using BesideReader = std::function<Result<std::string>(const std::filesystem::path &)>;

/// Merges them in their order. `variables`: of the `.env` they are used with, which alone are put into them. Files that
/// `env_file` names are read from the folder of the first, secrets are not.
ComposeReading readCompose(const std::vector<ComposeText> &files, const Variables &variables,
                           const BesideReader &beside);

/// The words of a command line, as a shell parts them: quotes and backslashes; nothing else of a shell.
std::vector<Secret> wordsOf(std::string_view text);

} // namespace portolan::connect

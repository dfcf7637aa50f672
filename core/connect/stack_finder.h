// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/connector.h"
#include "core/connect/compose_file.h"
#include "core/connect/redis_variables.h"
#include "core/connect/variables.h"

#include <filesystem>
#include <string>
#include <vector>

/// Makes a stack to watch of what compose files and variables say.
namespace portolan::connect {

struct StackEvidence
{
    ComposeReading compose;
    Variables variables;           ///< of `.env` files
    std::vector<Candidate> pasted; ///< addresses that were pasted by themselves
    std::string name;              ///< of the folder, where nothing else names it; may be empty
    std::filesystem::path folder;  ///< where relative paths of variables begin; empty: nowhere
    bool readSecrets = false;
};

/// Adds to `found` the end, its file, its secrets, and what there is to say. Nothing where there is nothing to watch.
void findStack(StackEvidence evidence, Found &found);

} // namespace portolan::connect

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/stack/watch_file.h"

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

/// What only several keys of a deployment's file together can have wrong.
namespace portolan::stack {

struct TogetherMistake
{
    unsigned line;
    std::string key;
    Error error;
};

/// What the reader met.
struct Met
{
    std::map<std::string, unsigned> tables; ///< parts of the file, and their lines
    std::set<std::string> refused;          ///< keys that are there, and could not be read: they are not missing
};

/// Also settles what follows from several: results go the way of the broker, a file that only reads asks no worker.
std::vector<TogetherMistake> checkTogether(WatchFile &file, const Met &met);

/// Where a key stands; 0: it is not in the file, or could not be read.
unsigned lineOf(const WatchFile &file, std::string_view key);

} // namespace portolan::stack

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/base/toml_file.h"
#include "core/stack/watch_file.h"

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The keys of a deployment's file. A new one is one entry in watch_keys.cpp, one of a part that this version does not
/// act on in watch_later.cpp.
namespace portolan::stack {

/// What a file says for a key.
struct WatchValue
{
    const TomlEntry &entry;
    const std::filesystem::path &folder; ///< the file's own, absolute
    std::string name{};                  ///< what stands for `*`
    std::string shown{};                ///< as a listing may repeat it; set by WatchKey::set where that is not the text
    std::optional<SecretRef> secret{};  ///< set by it where it is one
    std::vector<std::string> program{}; ///< set by it where it is one
    std::string file{};                 ///< set by it where it names one
};

struct WatchKey
{
    std::string key; ///< "redis.url"; a segment `*` stands for any name ("metrics.maps.*.errors")
    bool list;       ///< takes an array, and nothing else does
    bool name;       ///< what it takes are names or patterns: a colon in one is nothing of an address
    std::string_view meaning;
    std::string_view fallback; ///< what holds where the file says nothing, as it would be written; empty: nothing
    bool required;             ///< where its part is in the file
    /// Reads it into the part, which is there: of several the last one. Invalid with what is wrong.
    std::function<Result<void>(WatchFile &file, WatchValue &value)> set;
};

/// All keys but those of tiers, in the order they are listed to people: the file's own, then part by part.
const std::vector<WatchKey> &watchKeys();
/// Those of parts this version does not act on: checked for their form. In watch_later.cpp.
std::vector<WatchKey> laterKeys();

/// Which entry this is, and what stands for its `*`; nullopt: none.
struct WatchKeyMatch
{
    const WatchKey *key;
    std::string name;
};
std::optional<WatchKeyMatch> findWatchKey(std::string_view key);
/// Whether a table of this name holds the key: "metrics.maps.shop" holds "metrics.maps.*.errors".
bool holdsKey(std::string_view table, std::string_view key);

/// The parts of a file: tables at its top.
struct WatchPart
{
    std::string_view name;
    bool several; ///< written as [[name]]; one alone may be a plain table
    bool later;   ///< this version does not act on it
};
const std::vector<WatchPart> &watchParts();

/// A target of a later version has what its kind needs. Answers what is wrong, as keys of the table and why.
std::vector<std::pair<std::string, Error>> checkTarget(const std::vector<TomlEntry> &entries);

} // namespace portolan::stack

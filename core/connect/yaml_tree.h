// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"
#include "core/api/secret.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// YAML of others (1.2, by yaml-cpp), as a tree of our own that is counted while it is built: at most 1 MB of text, 50
/// levels and 10,000 nodes, where an alias counts as all that it stands for. No tag makes anything but what YAML itself
/// has and what compose files say to a merge.
namespace portolan::connect {

struct YamlNode
{
    enum class Kind : std::uint8_t { Null, Scalar, List, Map };
    enum class Tag : std::uint8_t {
        None,
        Reset,    ///< `!reset`: what is merged into loses it
        Override, ///< `!override`: takes the other's place as a whole
    };
    Kind kind = Kind::Null;
    Tag tag = Tag::None;
    bool quoted = false; ///< a scalar in quotes or in a block: text, whatever it looks like
    unsigned line = 0;   ///< of its key, where it has one
    std::string source;  ///< of the file; empty: that of what it is in
    Secret text;         ///< of a scalar: any may be a secret
    std::vector<YamlNode> items;
    std::vector<std::pair<std::string, YamlNode>> members; ///< `<<` is put in already; no key is there twice

    /// Of a map; null: it has none, or is none.
    const YamlNode *find(std::string_view key) const;
    YamlNode *find(std::string_view key);
};

/// The documents of a text, each with `source` at its root, at most 20. Invalid `compose-file`, "source:line: what",
/// without anything that stands there.
Result<std::vector<YamlNode>> parseYaml(std::string_view text, const std::string &source);

} // namespace portolan::connect

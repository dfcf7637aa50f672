// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/connector.h"
#include "core/connect/yaml_tree.h"

#include <string>
#include <vector>

/// Several compose files as one, as compose merges them: maps go into one another, lists are put together, what a
/// service runs is replaced, its environment is a map however it is written; `!reset` and `!override` do what they say.
/// `extends` of a service in the same files is followed.
namespace portolan::connect {

struct MergedCompose
{
    YamlNode root; ///< each service and what is in it has the name of its file at the node it begins with
    std::vector<Finding> findings; ///< LeftOut
    std::vector<Error> mistakes;
};

/// `documents` in the order they are given; of later ones more holds. At most 50,000 nodes come of it.
MergedCompose mergeCompose(std::vector<YamlNode> documents);

/// An environment, or labels, written as a list of NAME=value, as a map. Any other node is left alone.
void listToMap(YamlNode &node);

} // namespace portolan::connect

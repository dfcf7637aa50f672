// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/json/value.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

/// What other workers answer when NeighbourWatch asks them.
namespace portolan::queue {

/// Whether an answer to `active_queues` names one of these.
inline bool takesFrom(const boost::json::value &answer, const std::vector<std::string> &queues)
{
    const boost::json::array *list = answer.if_array();
    if (!list)
        return false;
    return std::any_of(list->begin(), list->end(), [&](const boost::json::value &queue) {
        const boost::json::object *object = queue.if_object();
        const boost::json::value *name = object ? object->if_contains("name") : nullptr;
        if (!name || !name->is_string())
            return false;
        return std::ranges::find(queues, std::string_view(name->get_string())) != queues.end();
    });
}

/// Whether an answer to `stats` is one of this program's workers.
inline bool isOurs(const boost::json::value &stats)
{
    boost::system::error_code code;
    const boost::json::value *pool = stats.find_pointer("/pool/implementation", code);
    return pool && pool->is_string() && std::string_view(pool->get_string()).starts_with("portolan:");
}

} // namespace portolan::queue

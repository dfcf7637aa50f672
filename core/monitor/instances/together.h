// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/snapshot.h"
#include "core/monitor/instances/merge.h"
#include "core/monitor/instances/roster.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

/// From one process' snapshot to the deployment's.
namespace portolan::monitor::instances {

/// What all instances do, and how the others stand: both of the same moment.
struct Together
{
    Merged merged;                 ///< with one's own part
    std::vector<Member> members{}; ///< the others, by name
    bool ownNameTaken = false;     ///< another process goes by this one's name

    /// Nobody else is there, nor was lately: figures are one's own.
    bool alone() const { return members.empty() && merged.instances.size() <= 1; }
};

/// The resources of which each instance has its own light, beside the one of all together.
inline constexpr Resource ownLights[] = {Resource::ResponseTime, Resource::ErrorRate, Resource::Refused,
                                         Resource::DbPool, Resource::Disk};

/// Of these, what the deployment has no light of by itself: it is said of the one where it is worst.
constexpr bool isEachOwn(Resource resource) { return resource == Resource::DbPool || resource == Resource::Disk; }

/// Adds to a snapshot of one's own figures those of the others: answers, connections, tasks, workers and sign-ins that
/// failed are sums, pools stand side by side with the fullest first, the disk is that with the least left. Fills in
/// `instances`, also where one is alone; everything else it leaves then. `parked`: tasks that are kept in Redis until
/// their time, which belong to no instance.
void join(Snapshot &own, const Together &together, std::uint64_t parked);

/// Of what each instance has for itself, the pool and the disk, the worst one's light takes the place of one's own.
void joinReadings(std::vector<Reading> &readings, const Together &together, std::string_view ownName);

} // namespace portolan::monitor::instances

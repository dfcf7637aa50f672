// SPDX-License-Identifier: GPL-3.0-or-later
// Whatever comes on the instances' channel: it is refused, or its figures keep every bound, can be told on, and can be
// added to one's own.

#include "core/monitor/instances/instance_name.h"
#include "core/monitor/instances/merge.h"
#include "core/monitor/instances/roster.h"
#include "core/monitor/instances/share_traffic.h"
#include "tests/fakes/manual_clock.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

using namespace portolan;
using namespace portolan::monitor::instances;

namespace {

void require(bool condition)
{
    if (!condition)
        std::abort();
}

std::uint64_t answers(const telemetry::TrafficSlices &traffic)
{
    std::uint64_t count = 0;
    for (const auto &slice : traffic.slices) {
        require(slice.age < telemetry::TrafficSlices::span);
        for (const auto &part : slice.parts) {
            require(part.route < traffic.routes.size());
            for (const auto &hit : part.hits) {
                require(hit.bucket < telemetry::latency::bucketCount && hit.count > 0);
                count += hit.count;
            }
        }
    }
    return count;
}

void addsUp(const Share &share)
{
    Share own;
    own.who = {"own", "1", 1, 1, std::chrono::milliseconds(1000)};
    const Told told{std::make_shared<const Share>(share), std::chrono::milliseconds(0), true};
    const Merged sum = merged(own, {&told, 1});
    require(sum.traffic.count == answers(share.traffic));
    require(std::isfinite(sum.traffic.perSecond) && sum.zones.size() == share.zones.size());
    require(sum.instances.size() == 2 || (share.who.name == "own" && share.who.started == 1));
}

void isListed(const Message &message)
{
    ManualClock clock;
    Roster roster({"own", "1", 1, 1, std::chrono::milliseconds(1000)}, clock);
    (void)roster.heard(message);
    (void)roster.heard(message);
    require(roster.members().size() <= 1);
    (void)roster.tick();
    for (auto left = message.who.every + Roster::goneAfter; left > std::chrono::milliseconds(0);
         left -= Roster::longestPause) {
        clock.advance(Roster::longestPause);
        (void)roster.tick();
    }
    for (const Member &member : roster.members())
        require(member.presence == Presence::Gone);
    clock.advance(Roster::listedFor);
    (void)roster.tick();
    require(roster.members().empty() && roster.told().empty());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const auto message = decodeMessage({reinterpret_cast<const char *>(data), size});
    if (!message) {
        require(message.error().kind == ErrorKind::Protocol && !message.error().message.empty());
        return 0;
    }
    require(isInstanceName(message->who.name));
    isListed(*message);
    if (!message->share)
        return 0;
    const Share &share = *message->share;
    require(std::ranges::all_of(share.traffic.routes, hasShownName));
    addsUp(share);
    const auto once = encodeShare(share);
    require(once && once->size() <= maxShareBytes);
    const auto back = decodeMessage(*once);
    require(back && back->share && back->who == message->who);
    // Counts of one bucket end at 2^32 - 1; below it nothing is lost.
    if (answers(share.traffic) <= 0xffffffff)
        require(answers(back->share->traffic) == answers(share.traffic));
    require(encodeShare(*back->share) == once);
    return 0;
}

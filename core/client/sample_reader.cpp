// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/client/sample_reader.h"

#include "core/base/json.h"

namespace portolan::client {
namespace {

constexpr JsonLimits limits{.depth = 32, .string = 1 << 20, .items = 1'000'000};

/// What a list of deployments shows of each: Snapshot's members of these names.
struct Glance
{
    WallTime time{};
    std::uint64_t sequence = 0;
    std::string tier;
    std::string version;
    Zone verdict = Zone::Unknown;
    std::vector<Reading> readings;
    static constexpr bool jsonDefaulted = true;
};
BOOST_DESCRIBE_STRUCT(Glance, (), (time, sequence, tier, version, verdict, readings))

} // namespace

std::string streamPath(Look look, bool knowsWishes)
{
    std::string path = "/api/admin/stream";
    if (look == Look::Closely || !knowsWishes)
        return path;
    path += "?every=5s&only=";
    bool first = true;
    boost::mp11::mp_for_each<detail::AllMembers<Glance>>([&]<class D>(D) {
        path.append(first ? "" : ",").append(D::name);
        first = false;
    });
    return path;
}

Result<Snapshot> readSample(std::string_view text, Look look)
{
    if (look == Look::Closely)
        return readJson<Snapshot>(text, JsonMode::Lenient, limits);
    auto glance = readJson<Glance>(text, JsonMode::Lenient, limits);
    if (!glance)
        return glance.error();
    Snapshot sample;
    sample.time = glance->time;
    sample.sequence = glance->sequence;
    sample.tier = std::move(glance->tier);
    sample.version = std::move(glance->version);
    sample.verdict = glance->verdict;
    sample.readings = std::move(glance->readings);
    return sample;
}

} // namespace portolan::client

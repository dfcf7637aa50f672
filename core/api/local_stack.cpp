// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/local_stack.h"

namespace portolan {

LocalStack::~LocalStack() = default;

namespace {

constexpr std::uint64_t madeUpUsers = 40;

std::vector<Fact> factsOf(const SeedStack &command)
{
    std::vector<Amount> roles;
    if (command.privileged)
        roles = {{Counted::Admins, 1}, {Counted::Operators, 2}};
    return {{.kind = FactKind::MadeUpUsersAdded, .count = madeUpUsers},
            {.kind = FactKind::SignInsAdded},
            {.kind = FactKind::AnalysesAdded},
            {.kind = FactKind::RolesAmongThem, .amounts = std::move(roles)},
            {.kind = FactKind::TheyCanBeTakenBack}};
}

Fact factOf(const MendStack &command, const std::optional<Error> &problem)
{
    if (problem && problem->code == "database-missing")
        return {.kind = FactKind::DatabaseSetAside};
    return {.kind = command.empty ? FactKind::RedisSetAside : FactKind::RedisMended};
}

} // namespace

ActionPreview LocalStack::previewOf(const StackCommand &command)
{
    ActionPreview preview;
    if (std::holds_alternative<StartStack>(command)) {
        preview.facts.push_back({.kind = FactKind::PortalStarted});
        return preview;
    }
    if (const auto *mend = std::get_if<MendStack>(&command)) {
        preview.facts.push_back(factOf(*mend, problem()));
        return preview;
    }
    if (const auto *seed = std::get_if<SeedStack>(&command)) {
        preview.facts = factsOf(*seed);
        preview.count = madeUpUsers;
        return preview;
    }
    const auto sample = deployment().latest();
    preview.count = 0;
    if (state() == State::Running && sample) {
        const auto users = sample->users.concurrent.value_or(0);
        const auto running = sample->queue.running.value_or(0);
        preview.count = users + running;
        if (users > 0)
            preview.facts.push_back({.kind = FactKind::PeopleInterrupted, .count = users});
        if (running > 0)
            preview.facts.push_back({.kind = FactKind::TasksInterrupted, .count = running});
    }
    preview.facts.push_back({.kind = FactKind::PortalStopped});
    return preview;
}

} // namespace portolan

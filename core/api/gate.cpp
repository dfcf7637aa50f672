// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/gate.h"

#include <utility>

namespace portolan {

namespace {

/// What could not be looked at is taken to interrupt somebody.
bool mustAsk(const DeploymentInfo &info, const ActionTraits &traits, const ActionPreview *preview)
{
    return Gate::needsPreview(traits) && (!preview || Gate::asks(info, traits, *preview));
}

} // namespace

Capability Gate::allowed(const Deployment &deployment, const Action &action) const
{
    if (m_options.readOnly)
        return {.why = WhyNot::ReadOnly};
    if (const Role needed = traitsOf(action).role; deployment.info().role < needed)
        return {.why = WhyNot::NeedsRole, .role = needed};
    if (deployment.link() != LinkState::Live)
        return {.why = WhyNot::NoAnswer};
    return deployment.capability(action);
}

Capability Gate::allowed(LocalStack *stack, const StackCommand &command) const
{
    if (!stack)
        return {.why = WhyNot::NoPortalHere};
    if (m_options.readOnly)
        return {.why = WhyNot::ReadOnly};
    if (const Role needed = traitsOf(command).role; stack->deployment().info().role < needed)
        return {.why = WhyNot::NeedsRole, .role = needed};
    using State = LocalStack::State;
    const State state = stack->state();
    if (state == State::Starting && std::holds_alternative<StopStack>(command))
        return {}; // calls the start off
    if (state == State::Starting || state == State::Stopping)
        return {.why = WhyNot::Changing};
    if (std::holds_alternative<StartStack>(command))
        return {.why = state == State::Stopped ? WhyNot::No : WhyNot::Running};
    if (const auto *mend = std::get_if<MendStack>(&command)) {
        const auto problem = stack->problem();
        const bool possible = state == State::Stopped && problem && mends(*mend, *problem);
        return {.why = possible ? WhyNot::No : WhyNot::NothingDamaged};
    }
    if (std::holds_alternative<ResetStack>(command)) {
        const bool own = stack->settings().redisUrl.empty() && stack->settings().databaseUrl.empty();
        return {.why = own ? WhyNot::No : WhyNot::NotOurs};
    }
    if (state != State::Running)
        return {.why = WhyNot::NotRunning};
    const bool nobody = std::holds_alternative<UnseedStack>(command) && stack->seeded() == false;
    return {.why = nobody ? WhyNot::NoMadeUpUsers : WhyNot::No};
}

bool Gate::needsPreview(const ActionTraits &traits) { return traits.destructive || traits.disruptive || traits.asks; }

bool Gate::asks(const DeploymentInfo &info, const ActionTraits &traits, const ActionPreview &preview)
{
    if (traits.destructive || traits.asks)
        return true;
    return traits.disruptive && (info.production || preview.count.value_or(0) > 0);
}

std::variant<Permit, Capability> Gate::permit(const Deployment &deployment, const Action &action,
                                              std::optional<Confirmed> confirmed, const ActionPreview *preview) const
{
    const bool must = mustAsk(deployment.info(), traitsOf(action), preview);
    return decide(allowed(deployment, action), must, std::move(confirmed));
}

std::variant<Permit, Capability> Gate::permit(LocalStack *stack, const StackCommand &command,
                                              std::optional<Confirmed> confirmed, const ActionPreview *preview) const
{
    const bool must = stack && mustAsk(stack->deployment().info(), traitsOf(command), preview);
    return decide(allowed(stack, command), must, std::move(confirmed));
}

std::variant<Permit, Capability> Gate::decide(Capability allowed, bool mustAsk, std::optional<Confirmed> confirmed)
{
    if (!allowed.available())
        return allowed;
    if (mustAsk && !confirmed)
        return Capability{.why = WhyNot::NeedsConfirmation};
    return Permit(confirmed ? std::move(confirmed->reason) : std::string());
}

} // namespace portolan

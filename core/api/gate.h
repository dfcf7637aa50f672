// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/action.h"
#include "core/api/deployment.h"
#include "core/api/local_stack.h"
#include "core/api/permit.h"
#include "core/api/stack_command.h"

#include <optional>
#include <string>
#include <variant>

namespace portolan {

/// What a person answered who was shown the preview of an action, and in production typed the deployment's name.
struct Confirmed
{
    std::string reason; ///< may be empty
};

/// The rules that every action passes: read-only mode, role, whether it can be done at all, and whether somebody must
/// have been asked. Decides, and asks nobody: that is the console's (ui/support/action_gate.h). GUI thread.
class Gate final
{
public:
    struct Options
    {
        bool readOnly = false;
    };
    Gate() = default;
    explicit Gate(Options options) : m_options(options) {}

    bool readOnly() const { return m_options.readOnly; }

    /// Whether it would be let through, and if not, why.
    Capability allowed(const Deployment &deployment, const Action &action) const;
    /// `stack` is null where there is no portal of this machine's.
    Capability allowed(LocalStack *stack, const StackCommand &command) const;

    /// Whether a preview is to be fetched before: it may have to be shown.
    static bool needsPreview(const ActionTraits &traits);
    /// Whether somebody must see the preview and confirm.
    static bool asks(const DeploymentInfo &info, const ActionTraits &traits, const ActionPreview &preview);

    /// Leave to do it now; NeedsConfirmation where somebody must be asked and was not. `preview`: what was found, where
    /// needsPreview().
    std::variant<Permit, Capability> permit(const Deployment &deployment, const Action &action,
                                            std::optional<Confirmed> confirmed,
                                            const ActionPreview *preview = nullptr) const;
    std::variant<Permit, Capability> permit(LocalStack *stack, const StackCommand &command,
                                            std::optional<Confirmed> confirmed,
                                            const ActionPreview *preview = nullptr) const;

private:
    static std::variant<Permit, Capability> decide(Capability allowed, bool mustAsk,
                                                   std::optional<Confirmed> confirmed);

    Options m_options;
};

} // namespace portolan

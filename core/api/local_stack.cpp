#include "core/api/local_stack.h"

namespace portolan {

LocalStack::~LocalStack() = default;

ActionPreview LocalStack::previewOf(const StackCommand &command)
{
    ActionPreview preview;
    if (std::holds_alternative<StartStack>(command)) {
        preview.summary = "Lets people use the portal.";
    } else if (std::holds_alternative<SeedStack>(command)) {
        preview.summary = "Adds some 40 users, one of them an admin, and analyses.";
    } else {
        preview.summary = "Nobody can use the portal until it runs again.";
        if (const auto sample = deployment().latest(); sample && state() == State::Running)
            preview.count = sample->users.concurrent;
    }
    return preview;
}

} // namespace portolan

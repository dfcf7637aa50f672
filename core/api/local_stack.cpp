#include "core/api/local_stack.h"

namespace portolan {

LocalStack::~LocalStack() = default;

ActionPreview LocalStack::previewOf(const StackCommand &command)
{
    ActionPreview preview;
    if (std::holds_alternative<StartStack>(command)) {
        preview.summary = "Lets people use the portal.";
    } else if (const auto *mend = std::get_if<MendStack>(&command)) {
        preview.summary = mend->empty ? "Moves the damaged files of the private Redis aside and starts without them: "
                                        "everybody signs in again, and waiting tasks are gone. Nothing is deleted."
                                      : "Copies the damaged files of the private Redis, then leaves out what cannot be "
                                        "read, and starts.";
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

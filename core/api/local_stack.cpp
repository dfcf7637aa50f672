// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/api/local_stack.h"

namespace portolan {

LocalStack::~LocalStack() = default;

namespace {

std::string counted(std::uint64_t count, const char *one, const char *many)
{
    return std::to_string(count) + ' ' + (count == 1 ? one : many);
}

std::string seedSentence(bool privileged)
{
    std::string sentence = "Adds 40 made-up users of example.com, some of them signed in, and a few analyses. ";
    sentence += privileged ? "One of them is an admin and two are operators; nobody knows their passwords. "
                           : "All have the role user, and nobody knows their passwords. ";
    return sentence + "They can be taken back.";
}

} // namespace

ActionPreview LocalStack::previewOf(const StackCommand &command)
{
    ActionPreview preview;
    if (std::holds_alternative<StartStack>(command)) {
        preview.summary = "Lets people use the portal.";
        return preview;
    }
    if (const auto *mend = std::get_if<MendStack>(&command)) {
        const auto wrong = problem();
        if (wrong && wrong->code == "database-missing") {
            preview.summary = "Moves what is left of the database aside and starts with nobody registered. Nothing is "
                              "deleted.";
            return preview;
        }
        preview.summary = mend->empty ? "Moves the damaged files of the private Redis aside and starts without them: "
                                        "everybody signs in again, and waiting tasks are gone. Nothing is deleted."
                                      : "Copies the damaged files of the private Redis, then leaves out what cannot be "
                                        "read, and starts.";
        return preview;
    }
    if (const auto *seed = std::get_if<SeedStack>(&command)) {
        preview.summary = seedSentence(seed->privileged);
        preview.count = 40;
        return preview;
    }
    const auto sample = deployment().latest();
    preview.count = 0;
    if (state() == State::Running && sample) {
        const auto users = sample->users.concurrent.value_or(0);
        const auto running = sample->queue.running.value_or(0);
        preview.count = users + running;
        if (users > 0)
            preview.summary += counted(users, "person uses", "people use") + " it now. ";
        if (running > 0)
            preview.summary +=
                counted(running, "task runs and is", "tasks run and are") + " put back if not done in time. ";
    }
    preview.summary += "Nobody can use the portal until it runs again.";
    return preview;
}

} // namespace portolan

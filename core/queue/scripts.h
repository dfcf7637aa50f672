// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/redis/script.h"

namespace portolan::redis {
class Client;
}

namespace portolan::queue {

/// The queue's Lua scripts (resources/scripts/queue/): what must be atomic. Each file says what its keys and arguments
/// are. Redis learns them when they are first used.
struct Scripts
{
    Scripts();

    redis::Script enqueue;
    redis::Script take;
    redis::Script finish;
    redis::Script release;
    redis::Script lease;
    redis::Script own;
    redis::Script owned;
    redis::Script ownerless;
    redis::Script restore;
    redis::Script start;
    redis::Script touch;
    redis::Script revoke;
    redis::Script reply;
    redis::Script note;
    redis::Script park;
    redis::Script unpark;
    redis::Script peek;
    redis::Script chordPart;
    redis::Script chordSize;
    redis::Script gone;
};

} // namespace portolan::queue

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/redis/command.h"
#include "core/redis/pending.h"
#include "core/redis/script.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace portolan::redis {

/// Script calls that wait for the next write. Those of one script go out together, since one EVALSHA for many costs
/// Redis a third less than one for each (tests/bench/admission). Not locked: the client uses it under its lock.
class Gathering final
{
public:
    static constexpr std::uint32_t most = 16; ///< calls in one EVALSHA; Redis does nothing else while a script runs

    /// `call` will get the element of the reply that belongs to `keys` and `argument`. It goes with others only whose
    /// deadline is about the same: they end together when Redis does not answer.
    void add(const Script &script, std::span<const std::string_view> keys, std::string_view argument, Call *call,
             SteadyTime deadline);

    std::size_t calls() const { return m_calls; }
    std::size_t bytes() const { return m_bytes; } ///< to be written for them, but for each command's first words

    /// Moves all to the ends of what is written next and of its slots. Returns how many commands these are.
    std::size_t seal(std::string &outgoing, std::vector<Slot> &queued);

private:
    struct Batch
    {
        const Script *script = nullptr;
        Command keys;
        Command arguments;
        std::size_t keyCount = 0;
        Slot slot;
        Call *last = nullptr;
    };

    std::vector<Batch> m_batches;
    std::size_t m_calls = 0;
    std::size_t m_bytes = 0;
};

} // namespace portolan::redis

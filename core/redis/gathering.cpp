// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/redis/gathering.h"

#include <algorithm>

namespace portolan::redis {

namespace {

/// Deadlines are looked at about as often (client_deadlines.cpp).
constexpr std::chrono::milliseconds sameDeadline{20};

} // namespace

void Gathering::add(const Script &script, std::span<const std::string_view> keys, std::string_view argument, Call *call,
                    SteadyTime deadline)
{
    const auto fits = [&](const Batch &batch) {
        return batch.script == &script && batch.slot.parts < most && deadline - batch.slot.deadline < sameDeadline &&
               batch.slot.deadline - deadline < sameDeadline;
    };
    auto batch = std::find_if(m_batches.begin(), m_batches.end(), fits);
    if (batch == m_batches.end()) {
        batch = m_batches.insert(m_batches.end(), Batch{&script, {}, {}, 0, Slot{call, deadline}, nullptr});
    } else {
        batch->last->next = call;
    }
    batch->last = call;
    ++batch->slot.parts;
    batch->keyCount += keys.size();
    m_bytes -= batch->keys.bytes().size() + batch->arguments.bytes().size();
    for (const auto key : keys)
        batch->keys.argument(key);
    batch->arguments.argument(argument);
    m_bytes += batch->keys.bytes().size() + batch->arguments.bytes().size();
    ++m_calls;
}

std::size_t Gathering::seal(std::string &outgoing, std::vector<Slot> &queued)
{
    for (const auto &batch : m_batches) {
        Command command;
        command.begin(3 + batch.keyCount + batch.slot.parts);
        command.argument("EVALSHA").argument(batch.script->sha()).argument(batch.keyCount);
        outgoing.append(command.bytes()).append(batch.keys.bytes()).append(batch.arguments.bytes());
        queued.push_back(batch.slot);
    }
    const auto commands = m_batches.size();
    m_batches.clear();
    m_calls = m_bytes = 0;
    return commands;
}

} // namespace portolan::redis

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/secret.h"
#include "core/showcase/cast.h"
#include "core/showcase/rota.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace portolan::showcase {

/// People and programs who use a portal over HTTP, so that a demonstration shows a portal that lives: brings what a
/// Rota says to the portal and back, on one thread that sleeps in between.
class Visitors final
{
public:
    /// Told what became of an errand: once, on any thread, also after the visitors are gone.
    using Told = std::function<void(Outcome)>;
    struct Options
    {
        std::string url;              ///< of the portal
        std::vector<Secret> sessions; ///< values of the cookie `sid`, one a member
        /// Does what is asked of the queue, which is not reached by HTTP; returns at once. Empty: there is no queue.
        std::function<void(Errand, Told)> queue{};
        std::uint64_t seed = 0;
        std::span<const Habit> habits = cast();
    };
    /// Starts the thread. The clock outlives it.
    Visitors(Options options, const Clock &clock);
    /// Waits for nothing but the thread: requests under way are given up. Options::queue is not called any more.
    ~Visitors();
    Visitors(const Visitors &) = delete;
    Visitors &operator=(const Visitors &) = delete;

private:
    class Impl;
    const std::unique_ptr<Impl> m_impl;
};

/// Whether who asks the portal of this URL may come from any address of 127.0.0.0/8: it listens on one of them, or on
/// all IPv4 addresses.
bool hasOwnAddresses(std::string_view url);

} // namespace portolan::showcase

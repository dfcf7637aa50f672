// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/secret.h"
#include "core/showcase/rota.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace portolan::showcase {

/// Several HTTP requests at once on the thread that asks for them, each with a deadline, by libcurl's multi interface.
/// All but wake() from one thread.
class Exchanges final
{
public:
    struct Request
    {
        std::uint64_t id = 0; ///< the asker's; comes back with the answer
        std::string url;
        std::optional<std::string> body{}; ///< JSON: a POST; none: a GET
        Secret session{};                  ///< value of the cookie `sid`; empty: none
        std::string token{};               ///< X-CSRF-Token; empty: none
        std::string from{};                ///< this end's IPv4 address; empty: as the system chooses
    };
    struct Answer
    {
        std::uint64_t id = 0;
        Outcome outcome{}; ///< the body up to `largestBody`
    };
    static constexpr std::chrono::seconds deadline{5};
    static constexpr std::size_t largestBody = 64 * 1024;

    Exchanges();
    /// Gives up what is under way, at once; nothing of it is answered.
    ~Exchanges();
    Exchanges(const Exchanges &) = delete;
    Exchanges &operator=(const Exchanges &) = delete;

    void start(Request request);
    /// Sleeps until there are answers, wake() was called, or for so long. Each request is answered once, with status 0
    /// where no answer came by its deadline.
    std::vector<Answer> wait(std::chrono::milliseconds atMost);
    void wake(); ///< any thread

private:
    struct Transfer;
    struct Impl;
    const std::unique_ptr<Impl> m_impl;
};

} // namespace portolan::showcase

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/secret.h"

#include <memory>
#include <string>
#include <vector>

namespace portolan::showcase {

/// A few people who use a portal over HTTP as its page would, so that a demonstration shows figures that move: about
/// two requests a second, most of them small, now and then quotes, once a minute an analysis. Within the limits of the
/// tier `small` for some hours; afterwards the portal refuses some of it, as it would people.
class Visitors final
{
public:
    /// `sessions`: values of the cookie `sid`, one a visitor. Starts a thread of its own.
    Visitors(std::string url, std::vector<Secret> sessions);
    /// Waits for the request under way, which is given up within a second or so: not for the GUI thread.
    ~Visitors();
    Visitors(const Visitors &) = delete;
    Visitors &operator=(const Visitors &) = delete;

private:
    class Impl;
    const std::unique_ptr<Impl> m_impl;
};

} // namespace portolan::showcase

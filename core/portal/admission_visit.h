// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/portal/admission.h"

#include <optional>
#include <string>

namespace portolan::portal {

http::Admitted refusedWith(http::Response response);
std::optional<http::LimitHeaders> headersOf(const limits::Decision &decision);

struct RequestAdmission::Visit
{
    Category category = Category::Default;
    bool counted = false; ///< has windows, counts among the concurrent users
    bool looksOnly = false;
    bool bearer = false;
    bool givenOut = false;   ///< its session is one that this deployment has given out, going or ended
    bool forged = false;     ///< lacks the CSRF token it needs: only whose session it is will be asked
    bool several = false;    ///< there may be more than one cookie that could be the session
    bool suspicious = false; ///< its session was counted as one that may not exist …
    WallTime suspectedAt{};  ///< … at this time
    std::optional<auth::SessionId> session;
    std::optional<auth::Session> remembered; ///< what this process knows of it
    bool known = false;                      ///< whose windows apply has been found out
    std::shared_ptr<const limits::UserLimits> own;
    std::string addressKey;
    std::string insteadKey; ///< counted here instead of at the user: a session's guard, or the address
    const limits::WindowSpec *caller = nullptr;
    const limits::WindowSpec *address = nullptr;
};

struct RequestAdmission::Outcome
{
    enum Status : std::uint8_t { Admitted, Limited, Crowded, OnlySaid, Uncounted };
    Status status = Admitted;
    std::optional<auth::Session> session;
    bool noted = false;
    bool here = false; ///< counted in this process
    limits::Decision decision;
};

} // namespace portolan::portal

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <utility>

namespace portolan {

/// Leave to carry one action out, once. Only the gate (gate.h) makes one, when read-only mode, role and confirmation
/// allow it: so nothing can be done past it, by a page, by a test or by mistake.
class [[nodiscard]] Permit final
{
public:
    Permit(Permit &&) = default;
    Permit &operator=(Permit &&) = default;
    Permit(const Permit &) = delete;
    Permit &operator=(const Permit &) = delete;

    const std::string &reason() const & { return m_reason; } ///< as whoever asked gave it; for the audit log
    std::string reason() && { return std::move(m_reason); }

private:
    friend class Gate;
    explicit Permit(std::string reason) : m_reason(std::move(reason)) {}

    std::string m_reason;
};

} // namespace portolan

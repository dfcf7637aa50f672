// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/portal/failed_sign_ins.h"

#include "core/base/logging.h"
#include "core/base/utf8.h"
#include "core/storage/users_store.h"

namespace portolan::portal {

std::string maskedAccount(std::string_view email)
{
    const auto normal = storage::normalizeEmail(email);
    if (!normal)
        return "***";
    const auto at = normal->rfind('@');
    const std::string_view local = std::string_view(*normal).substr(0, at);
    // The first character, whole, however many bytes it has.
    std::string masked;
    for (std::size_t most = 1; most <= 4 && masked.empty(); ++most)
        masked = cutText(local, most);
    return masked.append("***").append(normal->substr(at));
}

std::int64_t FailedSignIns::minute() const
{
    return std::chrono::floor<std::chrono::minutes>(m_clock.steady().time_since_epoch()).count();
}

void FailedSignIns::note(SignInFailure reason, std::string_view email, std::string_view address)
{
    const auto index = static_cast<std::size_t>(reason);
    m_counts[index].fetch_add(1, std::memory_order_relaxed);
    const auto now = minute();
    const auto second = std::chrono::floor<std::chrono::seconds>(m_clock.steady().time_since_epoch()).count();
    std::uint64_t silent = 0;
    {
        const std::lock_guard lock(m_mutex);
        auto &slot = m_minutes[static_cast<std::size_t>(now) % m_minutes.size()];
        if (slot.number != now)
            slot = {now, 0};
        ++slot.count;
        if (m_second == second) {
            ++m_silent;
            return;
        }
        m_second = second;
        silent = std::exchange(m_silent, 0);
    }
    m_logger.warn("a sign-in failed", {{"account", maskedAccount(email)},
                                       {"address", address},
                                       {"reason", signInFailureNames[index]},
                                       {"more_since", silent}});
}

std::array<std::uint64_t, signInFailureNames.size()> FailedSignIns::counts() const
{
    std::array<std::uint64_t, signInFailureNames.size()> all{};
    for (std::size_t i = 0; i < all.size(); ++i)
        all[i] = m_counts[i].load(std::memory_order_relaxed);
    return all;
}

std::uint64_t FailedSignIns::recent() const
{
    const auto now = minute();
    const std::lock_guard lock(m_mutex);
    std::uint64_t sum = 0;
    for (const auto &slot : m_minutes) {
        if (slot.number > now - window.count() && slot.number <= now)
            sum += slot.count;
    }
    return sum;
}

} // namespace portolan::portal

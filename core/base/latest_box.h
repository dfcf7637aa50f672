// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace portolan {

/// The one value that is on its way from a thread that makes them to one that shows them: a newer one takes its place,
/// so a receiver that is slow gets fewer, and never a queue of old ones. Any thread.
template <class T> class LatestBox final
{
public:
    /// Answers whether it was empty: whoever put it there is to wake the receiver then.
    bool put(std::shared_ptr<const T> value)
    {
        const std::lock_guard lock(m_mutex);
        const bool wasEmpty = m_value == nullptr;
        m_value = std::move(value);
        return wasEmpty;
    }
    /// Null: there is none that was not taken.
    std::shared_ptr<const T> take()
    {
        const std::lock_guard lock(m_mutex);
        return std::exchange(m_value, nullptr);
    }

private:
    std::mutex m_mutex;
    std::shared_ptr<const T> m_value;
};

} // namespace portolan

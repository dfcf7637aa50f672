// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/client/mailbox.h"

#include "core/api/post_to.h"

#include <utility>

namespace portolan::client {

Mailbox::Mailbox(QObject &owner, std::function<void()> arrived) : m_owner(&owner), m_arrived(std::move(arrived)) {}

void Mailbox::tellOffer(DeploymentAnswer offer)
{
    const std::lock_guard lock(m_mutex);
    m_news.offer = std::move(offer);
    ring();
}

void Mailbox::tellSample(std::shared_ptr<const Snapshot> sample, std::chrono::milliseconds ahead)
{
    const std::lock_guard lock(m_mutex);
    m_news.sample = std::move(sample);
    m_news.ahead = ahead;
    m_news.trouble.reset();
    ring();
}

void Mailbox::tellTrouble(Error error)
{
    const std::lock_guard lock(m_mutex);
    m_news.trouble = std::move(error);
    ring();
}

void Mailbox::ring()
{
    if (!m_owner || m_underWay)
        return;
    m_underWay = true;
    postTo(m_owner, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (self && self->m_owner) // only the thread this runs on closes it
            self->m_arrived();
    });
}

News Mailbox::take()
{
    const std::lock_guard lock(m_mutex);
    m_underWay = false;
    return std::exchange(m_news, {});
}

void Mailbox::close()
{
    const std::lock_guard lock(m_mutex);
    m_owner = nullptr;
    m_news = {};
}

} // namespace portolan::client

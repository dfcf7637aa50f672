// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/asio.h"
#include "core/http/websocket.h"

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace portolan {

/// A watcher that says nothing, keeps what it is sent and stays until it is told to go.
class FakeSocket final : public http::WebSocket
{
public:
    explicit FakeSocket(Executor executor) : m_executor(executor) {}
    awaitable<Result<std::string>> receive() override
    {
        Timer timer(m_executor);
        while (!m_gone) {
            timer.expires_after(std::chrono::milliseconds(5));
            co_await timer.async_wait(use_awaitable);
        }
        co_return failure(ErrorKind::Cancelled, "gone");
    }
    void send(std::shared_ptr<const std::string> text) override
    {
        const std::lock_guard lock(m_mutex);
        m_texts.push_back(std::move(text));
    }
    void close(std::uint16_t code, std::string) override
    {
        m_code = code;
        m_gone = true;
    }
    int code() const { return m_code; }
    bool open() const override { return !m_gone; }
    Executor executor() const override { return m_executor; }
    std::vector<std::shared_ptr<const std::string>> texts() const
    {
        const std::lock_guard lock(m_mutex);
        return m_texts;
    }

private:
    const Executor m_executor;
    std::atomic<bool> m_gone = false;
    std::atomic<int> m_code = 0;
    mutable std::mutex m_mutex;
    std::vector<std::shared_ptr<const std::string>> m_texts;
};

} // namespace portolan

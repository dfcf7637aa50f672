// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/utf8.h"
#include "core/http/transport.h"
#include "core/http/web_socket_session.h"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <atomic>
#include <deque>
#include <mutex>

namespace portolan::http {

/// A WebSocket on Beast's, without compression. Writes are a chain of callbacks over a bounded queue; only one is under
/// way at a time, and a close follows what was queued before it.
template <class Stream> class StreamWebSocket final : public WebSocketSession
{
public:
    static constexpr std::size_t maxMessage = 64 * 1024;
    static constexpr std::size_t maxWaitingBytes = 256 * 1024;
    static constexpr std::size_t maxWaiting = 1000;

    StreamWebSocket(Stream stream, const Transport::WebSocketSettings &settings)
        : m_executor(stream.get_executor()), m_socket(std::move(stream)), m_done(m_executor)
    {
        namespace websocket = boost::beast::websocket;
        m_socket.set_option(websocket::stream_base::timeout{settings.handshakeTimeout, settings.idleTimeout, true});
        m_socket.read_message_max(maxMessage);
        m_socket.auto_fragment(false);
        m_socket.text(true);
        m_socket.control_callback([this](websocket::frame_type kind, boost::beast::string_view) {
            if (kind == websocket::frame_type::close)
                m_peerClosed = true;
        });
    }

    awaitable<bool> accept(const Request &request) override
    {
        namespace beast = boost::beast;
        beast::http::request<beast::http::empty_body> upgrade(verb::get, request.target, 11);
        for (const auto &header : request.headers)
            upgrade.insert(header.name(), header.name_string(), header.value());
        m_socket.set_option(beast::websocket::stream_base::decorator(
            [id = request.id](beast::websocket::response_type &response) { response.set("X-Request-Id", id); }));
        error_code ec;
        co_await m_socket.async_accept(upgrade, asio::redirect_error(use_awaitable, ec));
        if (ec)
            finished();
        co_return !ec;
    }

    awaitable<Result<std::string>> receive() override
    {
        const auto self = this->shared_from_this();
        error_code ec;
        while (!ec && !m_finished) {
            co_await m_socket.async_read(m_input, asio::redirect_error(use_awaitable, ec));
            if (ec)
                break;
            std::string text = boost::beast::buffers_to_string(m_input.cdata());
            m_input.consume(m_input.size());
            if (m_socket.got_text())
                co_return text;
            close(1003, "text only");
        }
        if (!m_closing || m_peerClosed)
            finished(); // the peer closed, or is gone; else our own close ends it
        co_return failure(ErrorKind::Cancelled, "The WebSocket is closed.");
    }

    void send(std::shared_ptr<const std::string> text) override
    {
        bool tooSlow = false;
        {
            const std::lock_guard lock(m_mutex);
            if (!m_open || m_closing)
                return;
            tooSlow = m_waiting.size() >= maxWaiting ||
                      (!m_waiting.empty() && m_waitingBytes + text->size() > maxWaitingBytes);
            if (!tooSlow) {
                m_waitingBytes += text->size();
                m_waiting.push_back(std::move(text));
                schedule();
            }
        }
        if (tooSlow)
            close(4008, "too slow");
    }

    void close(std::uint16_t code, std::string reason) override
    {
        constexpr std::size_t maxReason = 120; // a control frame holds 125 bytes
        const std::lock_guard lock(m_mutex);
        if (m_closing.exchange(true))
            return;
        m_reason.code = code;
        const auto text = cutText(reason, maxReason);
        m_reason.reason.assign(text.data(), text.size());
        if (code == 4008 && m_waiting.size() > 1) {
            m_waiting.resize(1); // the one being written
            m_waitingBytes = m_waiting.front()->size();
        }
        schedule();
    }

    bool open() const override { return m_open && !m_closing; }
    /// Also when the peer began it: it may never close its end.
    bool closing() const override { return m_closing || m_peerClosed; }
    Executor executor() const override { return m_executor; }

    awaitable<void> finish() override
    {
        const auto self = this->shared_from_this();
        close(1000, {});
        while (!m_finished) {
            error_code ec;
            m_done.expires_at(SteadyTime::max());
            co_await m_done.async_wait(asio::redirect_error(use_awaitable, ec));
        }
    }

    void abort() override
    {
        error_code ignored;
        boost::beast::get_lowest_layer(m_socket).close(ignored);
        finished();
    }

private:
    /// Under the lock. The chain runs from the first message until the queue is empty.
    void schedule()
    {
        if (m_scheduled)
            return;
        m_scheduled = true;
        asio::post(m_executor,
                   [self = std::static_pointer_cast<StreamWebSocket>(this->shared_from_this())] { self->writeNext(); });
    }

    void writeNext()
    {
        std::shared_ptr<const std::string> text;
        {
            const std::lock_guard lock(m_mutex);
            if (m_finished) {
                m_waiting.clear();
                return;
            }
            if (m_waiting.empty()) {
                m_scheduled = false;
                if (!m_closing)
                    return;
            } else {
                text = m_waiting.front();
            }
        }
        auto self = std::static_pointer_cast<StreamWebSocket>(this->shared_from_this());
        if (!text) {
            m_socket.async_close(m_reason, [self](error_code) { self->finished(); });
            return;
        }
        const auto bytes = asio::buffer(*text);
        m_socket.async_write(bytes, [self, text](error_code ec, std::size_t) {
            {
                const std::lock_guard lock(self->m_mutex);
                self->m_waitingBytes -= text->size();
                self->m_waiting.pop_front();
            }
            if (ec)
                self->finished();
            self->writeNext();
        });
    }

    void finished()
    {
        {
            const std::lock_guard lock(m_mutex);
            m_open = false;
            m_finished = true;
        }
        m_done.cancel();
    }

    const Executor m_executor;
    boost::beast::websocket::stream<Stream, false> m_socket;
    Timer m_done; ///< cancelled when finished; a condition, not a clock
    boost::beast::flat_buffer m_input;

    std::mutex m_mutex;
    std::deque<std::shared_ptr<const std::string>> m_waiting; ///< the first is being written
    std::size_t m_waitingBytes = 0;
    bool m_scheduled = false;
    boost::beast::websocket::close_reason m_reason; ///< set once, before m_closing's close is scheduled
    std::atomic<bool> m_closing{false};
    std::atomic<bool> m_peerClosed{false};
    std::atomic<bool> m_open{true};
    std::atomic<bool> m_finished{false};
};

} // namespace portolan::http

// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/action.h"
#include "core/api/questions.h"
#include "core/base/json.h"
#include "core/base/json_answer.h"
#include "tests/fakes/raw_server.h"

#include <QCryptographicHash>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace portolan {

/// A portal elsewhere as far as a console sees it, that says what a test tells it to: answers by their request line,
/// and samples when they are sent. What it is asked is kept.
class FarPortal final
{
public:
    /// The whole answer to a request; empty: it hangs up.
    using Handler = std::function<std::string(const std::string &request)>;

    FarPortal()
    {
        answer("GET /api/admin/deployment", ok(writeAnswer(offer())));
        m_server = std::make_unique<RawServer>([this](RawConnection &connection, int) { serve(connection); });
    }
    ~FarPortal() { m_server.reset(); } // before what its threads use

    std::uint16_t port() const { return m_server->port(); }

    static std::string ok(const std::string &json) { return whole("200 OK", "application/json", json); }
    static std::string problem(const std::string &status, const std::string &name)
    {
        return whole(status, "application/problem+json",
                     R"({"type":"https://portolan.invalid/problems/)" + name + R"(","detail":"It says no."})");
    }

    /// Offers all there is to an admin.
    static DeploymentAnswer offer()
    {
        DeploymentAnswer offer;
        offer.tier = "small";
        offer.version = "0.0";
        offer.role = Role::Admin;
        boost::mp11::mp_for_each<Questions>([&]<class Q>(Q) {
            offer.questions.push_back({std::string(routeOf(Tag<Q>{}).path), Role::Operator, {}});
        });
        boost::mp11::mp_for_each<Action>([&]<class A>(A) {
            offer.actions.push_back({std::string(traitsOf(Action(A{})).name), Role::Operator, {}});
        });
        return offer;
    }
    static Snapshot snapshot(std::uint64_t sequence)
    {
        Snapshot snapshot;
        snapshot.time = std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
        snapshot.sequence = sequence;
        snapshot.tier = "small";
        snapshot.version = "0.0";
        return snapshot;
    }

    /// `line`: method and path, "GET /api/admin/workers", to which the query is no part.
    void handle(const std::string &line, Handler handler)
    {
        const std::lock_guard lock(m_mutex);
        m_handlers[line] = std::move(handler);
    }
    void answer(const std::string &line, std::string whole)
    {
        handle(line, [whole = std::move(whole)](const std::string &) { return whole; });
    }

    /// As one message to whoever has the stream open; answers how many these are.
    int send(const std::string &text)
    {
        std::string frame = "\x81"; // RFC 6455, section 5.2: a whole text message, unmasked
        const bool wide = text.size() > 0xffff;
        if (text.size() < 126)
            frame += static_cast<char>(text.size());
        else
            frame += wide ? '\x7f' : '\x7e';
        if (text.size() >= 126)
            for (int shift = wide ? 56 : 8; shift >= 0; shift -= 8)
                frame += static_cast<char>(text.size() >> shift & 0xff);
        return sendFrame(frame + text);
    }
    int send(std::uint64_t sequence) { return send(writeJson(snapshot(sequence))); }
    /// Closes all streams with a code.
    void closeStreams(int code)
    {
        sendFrame(std::string("\x88\x02") + static_cast<char>(code >> 8) + static_cast<char>(code & 0xff));
    }
    /// Cuts them without a word.
    void cutStreams()
    {
        const std::lock_guard lock(m_mutex);
        for (auto *stream : m_streams)
            stream->cut();
    }
    int streams() const ///< open now
    {
        const std::lock_guard lock(m_mutex);
        return int(m_streams.size());
    }

    /// Request lines without " HTTP/1.1", in their order.
    std::vector<std::string> asked() const
    {
        const std::lock_guard lock(m_mutex);
        return m_asked;
    }
    int asked(const std::string &beginning) const
    {
        const std::lock_guard lock(m_mutex);
        return int(std::ranges::count_if(m_asked, [&](const auto &line) { return line.starts_with(beginning); }));
    }

private:
    static std::string whole(const std::string &status, const std::string &type, const std::string &body)
    {
        return "HTTP/1.1 " + status + "\r\nContent-Type: " + type +
               "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    }

    void serve(RawConnection &connection)
    {
        for (;;) {
            const std::string request = connection.request();
            if (request.empty())
                return;
            const std::string line = request.substr(0, request.find(" HTTP/1.1"));
            const std::string place = line.substr(0, line.find('?'));
            Handler handler;
            {
                const std::lock_guard lock(m_mutex);
                m_asked.push_back(line);
                if (const auto found = m_handlers.find(place); found != m_handlers.end())
                    handler = found->second;
            }
            const bool stream = place.ends_with("/api/admin/stream");
            if (stream && !handler)
                return serveStream(connection, request);
            const std::string answer = handler ? handler(request) : problem("404 Not Found", "not-found");
            if (answer.empty())
                return;
            if (stream && answer == streamed)
                return serveStream(connection, request);
            connection.write(answer);
        }
    }

    void serveStream(RawConnection &connection, const std::string &request)
    {
        const std::string name = "Sec-WebSocket-Key: ";
        const auto at = request.find(name) + name.size();
        const auto key = request.substr(at, request.find('\r', at) - at) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
        const auto hash = QCryptographicHash::hash(QByteArray::fromStdString(key), QCryptographicHash::Sha1);
        connection.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         "Sec-WebSocket-Accept: " +
                         hash.toBase64().toStdString() + "\r\n\r\n");
        {
            const std::lock_guard lock(m_mutex);
            m_streams.push_back(&connection);
        }
        connection.waitForEnd();
        const std::lock_guard lock(m_mutex);
        m_streams.remove(&connection);
    }

    int sendFrame(const std::string &frame)
    {
        const std::lock_guard lock(m_mutex);
        for (auto *stream : m_streams)
            stream->write(frame);
        return int(m_streams.size());
    }

public:
    static constexpr const char *streamed = "101"; ///< of a handler of the stream: it is opened

private:
    mutable std::mutex m_mutex;
    std::map<std::string, Handler> m_handlers;
    std::vector<std::string> m_asked;
    std::list<RawConnection *> m_streams;
    std::unique_ptr<RawServer> m_server;
};

} // namespace portolan

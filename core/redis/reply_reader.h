// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/redis/reply.h"

#include <cstddef>
#include <memory>
#include <string>

struct redisReader;

namespace portolan::redis {

/// hiredis' RESP parser, building our Reply as it goes instead of redisReply objects. One thread at a time.
class ReplyReader final
{
public:
    /// `maxBytes`: how much of one reply, with what follows it unread, may be buffered before it counts as malformed.
    explicit ReplyReader(std::size_t maxBytes);
    ~ReplyReader();
    ReplyReader(const ReplyReader &) = delete;
    ReplyReader &operator=(const ReplyReader &) = delete;

    void feed(const char *data, std::size_t size);

    enum class Next { Reply, NeedMore, Malformed };
    Next next(Reply &reply);

    /// Why next() said Malformed. The reader is of no use after that.
    const std::string &problem() const { return m_problem; }

private:
    struct Free
    {
        void operator()(redisReader *reader) const;
    };
    std::unique_ptr<redisReader, Free> m_reader;
    Reply m_root; ///< the reply being built
    std::string m_problem;
    const std::size_t m_maxBytes;
};

} // namespace portolan::redis

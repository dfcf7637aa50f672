// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/redis/reply_reader.h"

#include <hiredis/hiredis.h>

#include <algorithm>

namespace portolan::redis {

namespace {

// The reader builds depth first and never goes back to an element once its parent has the next one, so pointers into
// a growing vector are safe here.
Reply *place(const redisReadTask *task)
{
    if (!task->parent) {
        auto *root = static_cast<Reply *>(task->privdata);
        *root = Reply{};
        return root;
    }
    return &static_cast<Reply *>(task->parent->obj)->elements.emplace_back();
}

void *makeString(const redisReadTask *task, char *text, std::size_t size)
{
    Reply *reply = place(task);
    reply->type = task->type == REDIS_REPLY_ERROR    ? Reply::Type::Error
                  : task->type == REDIS_REPLY_STATUS ? Reply::Type::Status
                                                     : Reply::Type::String;
    reply->text.assign(text, size);
    return reply;
}

template <class Count> void *makeArray(const redisReadTask *task, Count elements) // int, since hiredis 1.0 size_t
{
    Reply *reply = place(task);
    reply->type = Reply::Type::Array;
    // What a reply announces is not what it holds: no large allocation on its word alone.
    reply->elements.reserve(std::min<std::size_t>(static_cast<std::size_t>(elements), 1024));
    return reply;
}

void *makeInteger(const redisReadTask *task, long long number)
{
    Reply *reply = place(task);
    reply->type = Reply::Type::Integer;
    reply->integer = number;
    return reply;
}

void *makeNil(const redisReadTask *task) { return place(task); }

redisReplyObjectFunctions *functions()
{
    static redisReplyObjectFunctions table = [] {
        redisReplyObjectFunctions made{};
        made.createString = makeString;
        made.createArray = makeArray;
        made.createInteger = makeInteger;
        made.createNil = makeNil;
        made.freeObject = [](void *) {}; // the root lives in the ReplyReader
        return made;
    }();
    return &table;
}

} // namespace

void ReplyReader::Free::operator()(redisReader *reader) const { redisReaderFree(reader); }

ReplyReader::ReplyReader(std::size_t maxBytes)
    : m_reader(redisReaderCreateWithFunctions(functions())), m_maxBytes(maxBytes)
{
    if (!m_reader)
        throw std::bad_alloc();
    m_reader->privdata = &m_root;
    m_reader->maxbuf = 256 * 1024; // keep the buffer between reads, but not the one of an unusually large reply
}

ReplyReader::~ReplyReader() = default;

void ReplyReader::feed(const char *data, std::size_t size)
{
    if (m_reader->len - m_reader->pos + size > m_maxBytes)
        m_problem = "a reply is larger than " + std::to_string(m_maxBytes) + " bytes";
    else if (redisReaderFeed(m_reader.get(), data, size) != REDIS_OK)
        m_problem = m_reader->errstr;
}

ReplyReader::Next ReplyReader::next(Reply &reply)
{
    if (!m_problem.empty())
        return Next::Malformed;
    void *made = nullptr;
    if (redisReaderGetReply(m_reader.get(), &made) != REDIS_OK) {
        m_problem = m_reader->errstr;
        return Next::Malformed;
    }
    if (!made)
        return Next::NeedMore;
    reply = std::move(m_root);
    return Next::Reply;
}

} // namespace portolan::redis

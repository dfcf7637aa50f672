// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/result.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace portolan::redis {

/// The append-only files of an embedded Redis: a base, what was written since, and a manifest that lists both
/// (`appendonlydir/appendonly.aof.*`; https://redis.io/docs/latest/operate/oss_and_stack/management/persistence/).
///
/// Redis starts empty, without a word, when the manifest is gone, and with less than there was when the manifest lists
/// less than that, or a file was cut between two commands. So what a start and a stop have left is noted, and the next
/// start looks whether this can be it. Blocks; for one thread, while no Redis uses the files.
class AppendOnly final
{
public:
    /// `directory`: of the embedded Redis, as ServerProcessOptions::dataDirectory. `note`: the file to note in, best
    /// outside the directory, which may go as a whole; empty: `appendonly.note` in it. One that lies there from before
    /// counts until there is a newer one.
    explicit AppendOnly(std::filesystem::path directory, std::filesystem::path note = {});

    /// Whether starting on these files gives what was left. Unavailable "redis-corrupt", which says what is missing.
    /// After an end in order nothing may be shorter than it was, and the base must be the same; after a crash files may
    /// be. Damage inside a file is Redis' to find.
    Result<void> check() const;

    enum class Left : std::uint8_t {
        Running, ///< Redis runs or was ended by force: what is noted may be too little or too much
        InOrder, ///< it ended by itself, all is written
    };
    /// Notes what is there now; nothing where there is nothing.
    void note(Left left) const;

    struct Mended
    {
        std::filesystem::path copy;     ///< of the folder as it was; empty: none was made
        std::vector<std::string> words; ///< what was done, a sentence each
    };
    /// Where nothing is damaged, says so and changes nothing. Otherwise copies the folder beside itself; lists the
    /// files anew where the manifest is missing or lists what is not there; cuts a damaged file off at its last whole
    /// command, and leaves out what came after it; says what is lost. `checker`: the program redis-check-aof.
    /// Unavailable "redis-corrupt": the base is damaged or all files are gone, so nothing can be saved, and nothing was
    /// touched. Full, Unavailable: the copy cannot be made; nothing was touched.
    Result<Mended> mend(const std::string &checker = "redis-check-aof") const;
    /// Moves the folder aside, or what lies in its place, so that the next start is an empty one.
    Result<Mended> startEmpty() const;

    bool hasBase() const; ///< without one there is nothing that mend() could save
    std::filesystem::path folder() const { return m_directory / "appendonlydir"; }

private:
    struct Noted;
    std::filesystem::path manifest() const { return folder() / "appendonly.aof.manifest"; }
    std::filesystem::path oldNote() const { return m_directory / "appendonly.note"; }
    Noted noted() const;
    std::vector<std::string> lossesOf(const Noted &left) const;
    void forgetNote() const;
    Result<std::filesystem::path> keep(bool move) const;

    std::filesystem::path m_directory;
    std::filesystem::path m_note;
};

} // namespace portolan::redis

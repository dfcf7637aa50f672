// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/base/kept_file.h"

#include <sys/stat.h>

#include <utility>

namespace portolan {

KeptFile::KeptFile(std::filesystem::path path) : m_path(std::move(path))
{
    struct stat file
    {};
    m_known = ::stat(m_path.c_str(), &file) == 0;
    m_device = file.st_dev;
    m_inode = file.st_ino;
}

std::string_view KeptFile::change() const
{
    struct stat file
    {};
    if (!m_known)
        return {};
    if (::stat(m_path.c_str(), &file) != 0)
        return "is gone";
    return file.st_dev == m_device && file.st_ino == m_inode ? "" : "was replaced by another";
}

} // namespace portolan

<?php

// The least that php-fpm can do: no autoloader, no objects.

declare(strict_types=1);

header('Content-Type: text/plain; charset=utf-8');
echo "Hello, World!\n";
